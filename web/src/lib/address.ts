/** Addresses of entries: whoever opens one is led there. Pure. */

export function addressOf(sessionId: string, seq: number): string {
  return `/s/${encodeURIComponent(sessionId)}#seq=${seq}`;
}

/** The entry that an address names behind its `#`; null where it names none. */
export function seqIn(hash: string): number | null {
  const seq = Number(new URLSearchParams(hash.replace(/^#/, "")).get("seq"));
  return Number.isSafeInteger(seq) && seq > 0 ? seq : null;
}
