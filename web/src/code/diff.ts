/** Reads a unified diff without file headers into lines with their numbers. Pure. */

export interface DiffLine {
  kind: "hunk" | "added" | "removed" | "same" | "note";
  text: string;
  before: number | null;
  after: number | null;
}

export function readDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 1;
  let after = 1;
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/.exec(line);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      lines.push({ kind: "hunk", text: hunk[3] ?? "", before, after });
    } else if (line.startsWith("+")) {
      lines.push({ kind: "added", text: line.slice(1), before: null, after });
      after += 1;
    } else if (line.startsWith("-")) {
      lines.push({ kind: "removed", text: line.slice(1), before, after: null });
      before += 1;
    } else if (line.startsWith("\\")) {
      lines.push({ kind: "note", text: line.slice(2), before: null, after: null });
    } else if (line !== "" || diff !== "") {
      lines.push({ kind: "same", text: line.slice(1), before, after });
      before += 1;
      after += 1;
    }
  }
  return diff === "" ? [] : lines;
}
