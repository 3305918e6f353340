/** What may come with a message (as `core.chat.attaching` has it), and how its size is said. */
import type { MessageFile } from "~/protocol.gen";

export const MAX_FILES = 10;
export const MAX_FILE_BYTES = 10 * 1024 * 1024;

export function sizeInWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const inKib = bytes / 1024;
  return inKib < 1024 ? `${Math.round(inKib)} KiB` : `${(inKib / 1024).toFixed(1)} MiB`;
}

export const isPicture = (file: MessageFile) =>
  file.width !== null && file.height !== null && file.media_type.startsWith("image/");

export const addressOfFile = (sessionId: string, file: MessageFile) =>
  `/api/sessions/${encodeURIComponent(sessionId)}/blobs/${file.sha256}`;

/** What a message says where only words are shown, as the server says it. */
export const inWords = (content: string, files: readonly MessageFile[] = []) =>
  content || files.map((file) => `📎 ${file.name}`).join(", ");

/** The size in CSS pixels at which a picture is shown within a box, never larger than it is. */
export function fitted(file: MessageFile, width: number, height: number): { width: number; height: number } {
  const own = { width: file.width ?? width, height: file.height ?? height };
  const scale = Math.min(1, width / own.width, height / own.height);
  return { width: Math.max(1, Math.round(own.width * scale)), height: Math.max(1, Math.round(own.height * scale)) };
}
