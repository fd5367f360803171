// Names of requests, under which a repeated request is stored once.

/** Return a new key; keep it with the data until the request has succeeded. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** Return the headers of a request that is stored once, however often it is sent. */
export function idempotent(key: string = newKey()): { "Idempotency-Key": string } {
  return { "Idempotency-Key": key };
}
