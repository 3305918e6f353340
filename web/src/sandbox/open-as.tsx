/** A button that leads to a session of this server: it opens as the person that is acted as, here or in another browser. */
import { createContext, type MouseEvent, useContext, useState } from "react";
import { linkFor } from "./server";
import { NamesContext, Text } from "./text";
import type { Element } from "./types";

/** Where what went wrong is shown. */
export const ReportContext = createContext<(error: unknown) => void>(() => undefined);

/** The path of a session of this server, or null. `127.0.0.1` and `localhost` name the same machine. */
export function sessionPath(url: string, origin: string): string | null {
  if (!URL.canParse(url)) return null;
  const found = new URL(url);
  const isOwn = oneName(found.origin) === oneName(origin);
  return isOwn && /^\/s\/[a-z0-9_]+$/.test(found.pathname) ? found.pathname : null;
}

const oneName = (origin: string) => origin.replace(/\/\/(127\.0\.0\.1|\[::1\])(?=:|$)/, "//localhost");

interface Props {
  element: Element;
  path: string;
  look: string;
  /** The click that Slack also sends to the app. */
  onPress: () => void;
}

export function OpenAs({ element, path, look, onPress }: Props) {
  const { me, people } = useContext(NamesContext);
  const report = useContext(ReportContext);
  const [copied, setCopied] = useState<"no" | "yes" | "by hand">("no");
  const [link, setLink] = useState("");
  const name = people.get(me)?.real_name ?? "";

  const open = async (event: MouseEvent) => {
    event.preventDefault();
    onPress();
    // Opened within the click: a tab that opens later is a pop-up, which browsers refuse.
    const tab = window.open("about:blank", "_blank");
    try {
      const url = await linkFor(me, path);
      if (tab) {
        tab.opener = null;
        tab.location.replace(url);
      } else location.assign(url);
    } catch (error) {
      tab?.close();
      report(error);
    }
  };
  const copy = async () => {
    try {
      const url = await linkFor(me, path);
      setLink(url);
      try {
        await navigator.clipboard.writeText(url);
        setCopied("yes");
      } catch {
        // Without HTTPS or leave the browser offers no clipboard.
        setCopied("by hand");
      }
    } catch (error) {
      report(error);
    }
  };

  return (
    <span className="sb-open-as">
      <a className={look} href={element.url} target="_blank" rel="noreferrer" title={`Opens as ${name}`} onClick={(event) => void open(event)}>
        <Text value={element.text} />
      </a>
      <button
        type="button" className="sb-text-button" onClick={() => void copy()}
        title={`A link that signs ${name} in, once: for a private window or another browser`}
      >
        <span aria-live="polite">{copied === "yes" ? `Copied: signs ${name} in, once` : "Copy link for another browser"}</span>
      </button>
      {copied === "by hand" && (
        <input
          className="sb-input" readOnly aria-label="Link for another browser" value={link} autoFocus
          onFocus={(event) => event.target.select()}
        />
      )}
    </span>
  );
}
