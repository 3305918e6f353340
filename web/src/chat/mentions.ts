/** `@names` in a text. Pure. */

export interface MentionQuery {
  /** Where the `@` stands. */
  start: number;
  end: number;
  text: string;
}

/** The name that is being written at the caret, or null. An `@` within a word is an address, not a name. */
export function mentionQuery(text: string, caret: number): MentionQuery | null {
  const found = /(?:^|[\s(])@([^\s@]{0,30})$/.exec(text.slice(0, caret));
  if (!found) return null;
  const name = found[1] ?? "";
  return { start: caret - name.length - 1, end: caret, text: name };
}

export function completed(text: string, query: MentionQuery, username: string): { text: string; caret: number } {
  const before = `${text.slice(0, query.start)}@${username} `;
  return { text: before + text.slice(query.end), caret: before.length };
}

/** Whose full names stand after an `@`. */
export function mentionedIn(text: string, members: readonly { user_id: string; username: string }[]): string[] {
  const isBoundary = (at: number) => at >= text.length || !/[\p{L}\p{N}_]/u.test(text[at] ?? "");
  return members
    .filter(({ username }) => {
      const name = `@${username}`;
      for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
        if (isBoundary(at + name.length)) return true;
      }
      return false;
    })
    .map((member) => member.user_id);
}

/** What calls somebody after an `@`: whole names, and first names that only one person has. */
export function callable(names: readonly string[]): string[] {
  const firsts = names.map((name) => name.split(/\s+/)[0] ?? "");
  const isUnique = (first: string) => firsts.filter((one) => one.toLowerCase() === first.toLowerCase()).length === 1;
  return [...new Set([...names, ...firsts.filter((first) => first !== "" && isUnique(first))])];
}
