/** Shared files as the rows of a tree: folders first, chains of single folders in one row, filtered by words. Pure. */
import type { FileView } from "~/session/protocol";

interface RowBase {
  path: string;
  name: string;
  /** From 1, as `aria-level` counts. */
  level: number;
  /** Place among its siblings, from 1, and how many they are. */
  position: number;
  siblings: number;
}

export interface FileRow extends RowBase {
  kind: "file";
  file: FileView;
}

export interface FolderRow extends RowBase {
  kind: "folder";
  isOpen: boolean;
  /** Files in it, at any depth, that differ from how they were first shared. */
  changed: number;
}

export type TreeRow = FileRow | FolderRow;

interface Folder {
  name: string;
  path: string;
  folders: Map<string, Folder>;
  files: FileView[];
}

export interface TreeChoice {
  /** Words that all stand in the path, in any case. */
  query: string;
  onlyChanged: boolean;
  /** Whether a folder is open, by its path; null: by default. */
  isOpen: (path: string) => boolean | null;
}

/** With more files than this, folders without changes start closed. */
const MANY = 200;

export const isChanged = (file: FileView): boolean => file.change !== "unchanged";

export function treeRows(files: readonly FileView[], choice: TreeChoice): TreeRow[] {
  const words = choice.query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = files.filter((file) => {
    const path = file.path.toLocaleLowerCase();
    return (!choice.onlyChanged || isChanged(file)) && words.every((word) => path.includes(word));
  });
  const isSearched = words.length > 0;
  const rows: TreeRow[] = [];
  const walk = (folder: Folder, level: number): void => {
    const folders = [...folder.folders.values()].map(joined).sort(byName);
    const leaves = folder.files.map((file) => ({ file, name: nameOf(file.path) })).sort(byName);
    const siblings = folders.length + leaves.length;
    folders.forEach((inner, at) => {
      const changed = countChanged(inner);
      const isOpen = isSearched || (choice.isOpen(inner.path) ?? (found.length <= MANY || changed > 0));
      const { path, name } = inner;
      rows.push({ kind: "folder", path, name, level, position: at + 1, siblings, isOpen, changed });
      if (isOpen) walk(inner, level + 1);
    });
    leaves.forEach(({ file, name }, at) => {
      rows.push({ kind: "file", path: file.path, name, level, position: folders.length + at + 1, siblings, file });
    });
  };
  walk(grown(found), 1);
  return rows;
}

function grown(files: readonly FileView[]): Folder {
  const root: Folder = { name: "", path: "", folders: new Map(), files: [] };
  for (const file of files) {
    let folder = root;
    for (const name of file.path.split("/").slice(0, -1)) {
      const path = folder.path ? `${folder.path}/${name}` : name;
      const next: Folder = folder.folders.get(name) ?? { name, path, folders: new Map(), files: [] };
      folder.folders.set(name, next);
      folder = next;
    }
    folder.files.push(file);
  }
  return root;
}

/** `src` that holds `api` alone is shown as `src/api`. */
function joined(folder: Folder): Folder {
  const [only] = folder.folders.values();
  if (folder.files.length > 0 || folder.folders.size !== 1 || !only) return folder;
  const inner = joined(only);
  return { ...inner, name: `${folder.name}/${inner.name}` };
}

function countChanged(folder: Folder): number {
  let count = folder.files.filter(isChanged).length;
  for (const inner of folder.folders.values()) count += countChanged(inner);
  return count;
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const byName = (a: { name: string }, b: { name: string }) =>
  a.name.localeCompare(b.name, "en", { numeric: true, sensitivity: "base" });

/** The row that an arrow key leads to from `rows[at]`, and what happens to its folder. */
export function stepInTree(
  rows: readonly TreeRow[],
  at: number,
  key: string,
): { to: number; fold?: { path: string; isOpen: boolean } } | null {
  const row = rows[at];
  if (!row) return null;
  const last = rows.length - 1;
  if (key === "ArrowDown") return { to: Math.min(last, at + 1) };
  if (key === "ArrowUp") return { to: Math.max(0, at - 1) };
  if (key === "Home") return { to: 0 };
  if (key === "End") return { to: last };
  if (key === "ArrowRight" && row.kind === "folder") {
    return row.isOpen ? { to: Math.min(last, at + 1) } : { to: at, fold: { path: row.path, isOpen: true } };
  }
  if (key === "ArrowLeft") {
    if (row.kind === "folder" && row.isOpen) return { to: at, fold: { path: row.path, isOpen: false } };
    const parent = rows.slice(0, at).findLastIndex((above) => above.level < row.level);
    return { to: parent < 0 ? at : parent };
  }
  return null;
}
