/** The server's HTTP interface: JSON in and out, refusals as `ApiError` with the server's own words. */

interface Problem {
  title?: string;
  detail?: string;
  error_code?: string;
  retry_after_ms?: number;
}

/** A refusal, or no answer at all (`status` 0). `message` is for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Raises ApiError. Relative paths only: the page talks to the server that it came from. */
export async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<T> {
  const text = await answer(method, path, body, signal, headers);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** What is no JSON: a file's content. Raises ApiError. */
export function requestText(path: string, signal?: AbortSignal): Promise<string> {
  return answer("GET", path, undefined, signal);
}

async function answer(
  method: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
): Promise<string> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "offline", "The server cannot be reached. Check your connection and try again.");
  }
  if (response.ok) return response.text();
  throw problemOf(response.status, await response.text());
}

/** What a refusal's body says. */
export function problemOf(status: number, body: string): ApiError {
  let problem: Problem = {};
  try {
    problem = JSON.parse(body) as Problem;
  } catch {
    // A proxy's page instead of ours: its status says what there is to say.
  }
  const message = problem.detail || problem.title || `The server answered ${status}.`;
  return new ApiError(status, problem.error_code ?? "http_error", message, problem.retry_after_ms ?? null);
}
