/** The icons, drawn on a 16-pixel grid in the colour of the text. They are decoration: the words beside them speak. */
const paths = {
  alert: "M8 2.2 14.4 13.4H1.6L8 2.2ZM8 6.4v3.2M8 11.5v.1",
  arrowDown: "M8 3v10M3.8 8.8 8 13l4.2-4.2",
  back: "M9.8 3.4 5.2 8l4.6 4.6",
  ban: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM3.8 3.8l8.4 8.4",
  chat: "M2.5 3.5h11v7.6H7.2L4 13.8v-2.7H2.5V3.5Z",
  check: "m3.2 8.4 3.2 3.2 6.4-7",
  chevron: "m6 3.8 4.2 4.2L6 12.2",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.8V8l2.2 1.6",
  close: "m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4",
  comment: "M2.5 3.2h11v8H7.4L4.4 13.8v-2.6H2.5v-8ZM8 5.2v4M6 7.2h4",
  copy: "M5.6 5.6h7.6v7.6H5.6zM10.4 5.4V2.8H2.8v7.6h2.6",
  dot: "M8 9.6a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2Z",
  edit: "m10.6 2.8 2.6 2.6-7.6 7.6-3.2.6.6-3.2 7.6-7.6Z",
  eye: "M1.6 8S4 3.8 8 3.8 14.4 8 14.4 8 12 12.2 8 12.2 1.6 8 1.6 8ZM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
  file: "M4 1.8h5.2L12.6 5v9.2H4V1.8ZM9 2v3.4h3.4",
  fetch: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2.2 8h11.6M8 2c1.8 1.8 2.6 3.8 2.6 6S9.8 12.2 8 14C6.2 12.2 5.4 10.2 5.4 8S6.2 3.8 8 2Z",
  folder: "M1.8 3.4h4.4l1.4 1.8h6.6v7.6H1.8V3.4Z",
  flag: "M3.6 14V2.4M3.6 3h8.6l-2 3 2 3H3.6",
  help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.2 6.4c0-2.4 3.6-2.4 3.6-.1C9.8 7.8 8 7.6 8 9.2M8 11.3v.1",
  history: "M2.6 8A5.6 5.6 0 1 0 4.4 3.8M2.4 2.4v2.4h2.4M8 5v3.2l2.2 1.3",
  invite: "M6.4 7.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM1.8 13.6c0-2.6 2-4 4.6-4s4.6 1.4 4.6 4M12.6 4.8v4M10.6 6.8h4",
  join: "M9 3h4v10H9M2.6 8h6.8M6.8 5.2 9.6 8l-2.8 2.8",
  key: "M10.4 8.8a3.2 3.2 0 1 0-3-2.1L2.6 11.6v1.8h2.6v-1.6h1.6v-1.6l1.6-1.6c.6.2 1.3.2 2 .2ZM11.2 5.2v.1",
  leave: "M7 3H3v10h4M6.4 8h7M10.6 5.2 13.4 8l-2.8 2.8",
  link: "M6.8 9.2a2.6 2.6 0 0 0 3.8.2l2-2a2.7 2.7 0 0 0-3.8-3.8l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.8-.2l-2 2a2.7 2.7 0 0 0 3.8 3.8l.8-.8",
  lock: "M3.6 7.2h8.8v6.4H3.6zM5.4 7V5a2.6 2.6 0 0 1 5.2 0v2",
  more: "M8 3.0a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1ZM8 7.5a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1ZM8 12.0a.5.5 0 1 0 0 1 .5.5 0 0 0 0-1Z",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8Z",
  plus: "M8 3v10M3 8h10",
  react: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM5.4 9.6c1.2 2 4 2 5.2 0M6 6.2v.6M10 6.2v.6",
  read: "M2 3.4h4.4L8 4.6l1.6-1.2H14v9H9.6L8 13.6l-1.6-1.2H2v-9ZM8 4.6v9",
  reply: "M6.6 3.6 2.4 7.8l4.2 4.2M2.8 7.8h6.4a4 4 0 0 1 4 4v1",
  retry: "M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13 2v3h-3",
  search: "M7 11.6A4.6 4.6 0 1 0 7 2.4a4.6 4.6 0 0 0 0 9.2ZM10.4 10.4l3.4 3.4",
  send: "M2.2 8 13.8 2.6 10 13.8 7.6 9 2.2 8ZM7.6 9l2.8-2.8",
  sidebar: "M2 3h12v10H2zM6 3v10",
  split: "M2 3h12v10H2zM8 3v10",
  swap: "M3 5.6h9.6M10.2 3.2l2.6 2.4-2.6 2.4M13 10.8H3.4M5.8 8.4 3.2 10.8l2.6 2.4",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8",
  system: "M2 3h12v8H2zM6 13.6h4M8 11v2.6",
  terminal: "M2 3h12v10H2zM4.6 6l2 2-2 2M8.4 10.2h3",
  think: "M5.2 10.6a4.2 4.2 0 1 1 5.6 0v1.6H5.2v-1.6ZM6.4 14.2h3.2",
  trash: "M3 4.4h10M6.2 4.2V2.6h3.6v1.6M4.2 4.6l.6 8.8h6.4l.6-8.8",
  tool: "M9.4 2.6a3.6 3.6 0 0 0-2.8 4.8l-4 4 2 2 4-4a3.6 3.6 0 0 0 4.6-4.6L11 7 9 5l2.2-2.2a3.6 3.6 0 0 0-1.8-.2Z",
  unified: "M2 3h12v10H2zM2 8h12",
  users: "M6 7.6A2.4 2.4 0 1 0 6 2.8a2.4 2.4 0 0 0 0 4.8ZM1.8 13.2c0-2.4 1.8-3.8 4.2-3.8s4.2 1.4 4.2 3.8M10.4 3.2a2.2 2.2 0 0 1 0 4.2M11.6 9.6c1.6.4 2.6 1.6 2.6 3.6",
  wrap: "M2 4h12M2 8h9.6a2 2 0 0 1 0 4.2H9M10.6 10.4 8.8 12.2l1.8 1.8M2 12.2h4",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, className = "" }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`shrink-0 ${className}`}
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
