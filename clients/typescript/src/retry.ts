// Requests that are sent again after the time that the service asks for.

export interface RetryOptions {
  /** Most repetitions of a request, 2 by default. */
  retries?: number;
  /** Longest wait before a repetition, 30 seconds by default; else the refusal is returned. */
  longestWaitSeconds?: number;
}

const BUSY = new Set([429, 503]);
const IDEMPOTENT = new Set(["GET", "HEAD", "PUT", "DELETE"]);

type Send = (request: Request) => Promise<Response>;

/** Return a `fetch` that repeats idempotent requests which the service refuses for now. */
export function retrying(send: Send, options: RetryOptions): Send {
  const retries = options.retries ?? 2;
  const longest = options.longestWaitSeconds ?? 30;
  return async (request) => {
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt >= retries || !mayRepeat(request);
      // A body can be read once, so the original one is kept for the next attempt.
      const response = await send(isLast ? request : request.clone());
      const seconds = BUSY.has(response.status) ? secondsToWait(response) : null;
      if (isLast || seconds === null || seconds > longest) {
        return response;
      }
      await response.body?.cancel();
      await wait(seconds, request.signal);
    }
  };
}

function mayRepeat(request: Request): boolean {
  return IDEMPOTENT.has(request.method) || request.headers.has("Idempotency-Key");
}

function secondsToWait(response: Response): number | null {
  const value = response.headers.get("Retry-After");
  if (value === null) {
    return null;
  }
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    if (signal.aborted) {
      stop();
    } else {
      signal.addEventListener("abort", stop, { once: true });
    }
  });
}
