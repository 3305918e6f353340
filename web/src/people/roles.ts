/** What each role means, in the words of somebody who gives it and of somebody who gets it. */
import type { Role } from "~/session/protocol";

/** From the least to the most. */
export const ranks: Role[] = ["viewer", "editor", "host"];

export const roles: Record<Role, { name: string; what: string; may: string }> = {
  viewer: {
    name: "Viewer",
    what: "sees everything, writes nothing",
    may: "You can watch everything; writing is for editors.",
  },
  editor: {
    name: "Editor",
    what: "sees everything, chats, invites others",
    may: "You can watch, chat and invite others.",
  },
  host: {
    name: "Host",
    what: "as editor, and manages the session and its people",
    may: "You can watch, chat, invite others and manage the session.",
  },
};
