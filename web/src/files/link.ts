/** The address of a place in a file, as it stands behind the `#` of the page's own address. Pure. */

export interface FileAddress {
  file: string;
  line: number | null;
  end_line: number | null;
  /** Null: the newest. */
  version: string | null;
}

/** Null where the hash names no file. */
export function readHash(hash: string): FileAddress | null {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  const file = query.get("file");
  if (!file) return null;
  const [line = null, end = null] = (query.get("line") ?? "").split("-").map(lineNumber);
  const version = query.get("version");
  return {
    file,
    line,
    end_line: line !== null && end !== null && end > line ? end : null,
    version: version && /^[0-9a-f]{64}$/.test(version) ? version : null,
  };
}

/** `#file=src/app.py&line=42-48&version=…`. Slashes stay readable. */
export function toHash({ file, line, end_line, version }: FileAddress): string {
  const parts = [`file=${encodeURIComponent(file).replaceAll("%2F", "/")}`];
  if (line !== null) parts.push(`line=${line}${end_line !== null && end_line > line ? `-${end_line}` : ""}`);
  if (version !== null) parts.push(`version=${version}`);
  return `#${parts.join("&")}`;
}

function lineNumber(text: string): number | null {
  const value = Number(text);
  return Number.isInteger(value) && value >= 1 ? value : null;
}
