// OpenID Connect provider whose access tokens are JWTs for one API: `node provider.mjs PORT`.
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "dashboard",
      client_secret: "not-a-secret-in-a-test",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
  ],
  // A client may name the person of its token, as a login with a page would.
  extraTokenClaims: (_context, token) => ({ email: token.scope, email_verified: true }),
  scopes: ["teacher@school.example", "nobody@school.example"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: "teacher@school.example nobody@school.example",
        audience: resource,
        accessTokenFormat: "jwt",
      }),
    },
  },
});
provider.listen(port, "127.0.0.1", () => console.log("listening"));
