/**
 * Whether the entries held here are those of the log: CRC-32 over their JSON texts, one after the other, as the server
 * computes it. JSON.stringify gives back what the server sent, because both write compact JSON and keep the key order.
 */
import type { LogEntry } from "./protocol";

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as in zlib (RFC 1952 §8), continued from `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] as number);
  return ~value >>> 0;
}

/** Null when not all of these entries are held, so that nothing can be said. */
export function agrees(
  held: { entries: readonly LogEntry[]; from: number; to: number },
  digest: { from_seq: number; to_seq: number; crc32: number },
): boolean | null {
  if (digest.from_seq < held.from || digest.to_seq > held.to || digest.from_seq > digest.to_seq) return null;
  const encoder = new TextEncoder();
  const entries = held.entries.slice(digest.from_seq - held.from, digest.to_seq - held.from + 1);
  return entries.reduce((sum, entry) => crc32(encoder.encode(JSON.stringify(entry)), sum), 0) === digest.crc32;
}
