/** What the sandbox's server shows: the shapes of Slack's objects, as far as the page draws them. */

export type Person = {
  id: string;
  name: string;
  real_name: string;
  color: string;
  is_bot: boolean;
  is_restricted: boolean;
};

export type Channel = {
  id: string;
  name: string;
  kind: "channel" | "group" | "im";
  is_archived: boolean;
  members: string[];
  latest: string;
};

export type TextObject = { type: string; text: string };
export type Option = { text: TextObject; value: string; description?: TextObject };

export type Element = {
  type: string;
  action_id?: string;
  text?: TextObject | string;
  value?: string;
  url?: string;
  style?: string;
  options?: Option[];
  option_groups?: { options: Option[] }[];
  placeholder?: TextObject;
  multiline?: boolean;
  initial_value?: string;
  initial_option?: Option;
  initial_options?: Option[];
  initial_time?: string;
  initial_date?: string;
  initial_users?: string[];
  initial_user?: string;
  initial_conversation?: string;
  default_to_current_conversation?: boolean;
  max_length?: number;
  image_url?: string;
  alt_text?: string;
  confirm?: { title: TextObject; text: TextObject };
};

export type RichStyle = { bold?: boolean; italic?: boolean; strike?: boolean; code?: boolean };

export type RichPart = {
  type: string;
  text?: string;
  url?: string;
  user_id?: string;
  channel_id?: string;
  range?: string;
  name?: string;
  style?: RichStyle | string;
  elements?: RichPart[];
};

export type Block = {
  type: string;
  block_id?: string;
  text?: TextObject | string;
  fields?: TextObject[];
  elements?: (Element & RichPart)[];
  accessory?: Element;
  element?: Element;
  label?: TextObject;
  hint?: TextObject;
  optional?: boolean;
  title?: TextObject;
  image_url?: string;
  alt_text?: string;
  rows?: { text?: string; type: string; elements?: RichPart[] }[][];
};

export type SharedFile = {
  id?: string;
  name?: string;
  title?: string;
  mimetype?: string;
  size?: number;
  mode?: string;
  alt_txt?: string;
};

export type Message = {
  ts: string;
  thread_ts?: string;
  text: string;
  user?: string;
  bot_id?: string;
  username?: string;
  icons?: { emoji?: string; image_48?: string };
  subtype?: string;
  blocks?: Block[];
  attachments?: { title?: string; text?: string; fallback?: string; title_link?: string; blocks?: Block[] }[];
  edited?: { ts: string };
  files?: SharedFile[];
  reactions?: { name: string; users: string[]; count: number }[];
  reply_count?: number;
  latest_reply?: string;
  is_ephemeral?: boolean;
};

export type View = {
  id: string;
  type: "modal" | "home";
  title?: TextObject;
  submit?: TextObject | null;
  close?: TextObject | null;
  blocks: Block[];
};

export type Shortcut = { name: string; type: "global" | "message"; callback_id: string; description: string };

export type Fault = { kind: string; method?: string; event?: string; times: number; status?: number };

export type Snapshot = {
  team: string;
  app: { id: string; user: string; bot: string };
  me: string;
  people: Person[];
  channels: Channel[];
  commands: Record<string, string>;
  shortcuts: Shortcut[];
  home: View | null;
  modal: View | null;
  sessions: Record<string, { title: string; status: string; line?: string }>;
  faults: Fault[];
  is_connected: boolean;
};

export type Outcome = { ok: boolean; error: string | null; view: View | null; errors: Record<string, string> };

export type Change =
  | { kind: "message"; channel: string; message: Message }
  | { kind: "ephemeral"; channel: string; message: Message }
  | { kind: "deleted"; channel: string; ts: string }
  | { kind: "views" }
  | { kind: "channel" };
