// Requests of the page itself: none waits for ever.

const patience = 15_000;

// request is fetch with a deadline; it is given up when the signal says so, as well.
export async function request(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const limit = new AbortController();
  const give = () => limit.abort();
  const timer = setTimeout(give, patience);
  signal?.addEventListener("abort", give, { once: true });
  try {
    return await fetch(url, { ...init, signal: limit.signal });
  } finally {
    clearTimeout(timer);
  }
}
