/** Sends a file that is to come with a message. `XMLHttpRequest`, because `fetch` does not tell how far it is. */
import type { MessageFile } from "~/protocol.gen";
import { ApiError, problemOf } from "./http";

/** Raises ApiError; a cancelled one never settles. `onProgress` hears the share that is sent, 0 to 1. */
export function upload(
  sessionId: string,
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<MessageFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const name = encodeURIComponent(file.name.slice(-255) || "file");
    request.open("POST", `/api/sessions/${encodeURIComponent(sessionId)}/attachments?name=${name}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText) as MessageFile);
      else reject(problemOf(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new ApiError(0, "offline", "It did not get through. Check your connection.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
