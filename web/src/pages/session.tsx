/** A session: its transcript or its files beside its chat where there is room, else as three tabs. */
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { api, type Me } from "~/api/cosession";
import { ChatPanel } from "~/chat/chat-panel";
import type { ComposerHandle } from "~/chat/composer";
import { ChatRoom, useUnread } from "~/chat/room";
import { type FilePlace, FileLinksProvider, isSameFile } from "~/code/file-refs";
import { CommentNews } from "~/comments/news";
import { useOpening } from "~/files/opening";
import { FileRoom } from "~/files/room";
import { FollowRoom } from "~/follow/context";
import { useEscapeStops, useFollowKey } from "~/follow/keys";
import { FollowAnnouncer, FollowBorder, FollowChips } from "~/follow/marks";
import { SummonPrompt } from "~/follow/summon";
import { addressOf } from "~/lib/address";
import { useMedia, useNow, useTitle } from "~/lib/hooks";
import { useSearchKeys } from "~/search/keys";
import { SearchDialog } from "~/search/search-dialog";
import { Announcer } from "~/session/announcer";
import type { Line } from "~/session/connection";
import { useAddressedEntry, useLeading } from "~/session/leading";
import { type SearchHit, viewport } from "~/session/protocol";
import { SessionProvider, useClient, useClientState, useSession } from "~/session/context";
import { OfflineBanner, SessionHeader } from "~/session/header";
import { useOwnMoves, usePlaces, useServePlace } from "~/session/place";
import { usePresenceReport } from "~/session/presence";
import { HelpDialog, useShortcuts } from "~/session/shortcuts";
import { Transcript, type TranscriptHandle } from "~/transcript/transcript";
import { Button, LinkButton, UnreadBadge } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

// The editor comes with the first file that somebody wants to see.
const FileSurface = lazy(() => import("~/files/surface"));

type Main = "transcript" | "files";
type Tab = Main | "chat";

export default function SessionPage({ id, me }: { id: string; me: Me }) {
  return (
    <SessionProvider id={id} userId={me.user_id}>
      <FileRoom id={id}>
        <FollowRoom>
          <ChatRoom>
            <SessionRoom id={id} me={me} />
          </ChatRoom>
        </FollowRoom>
      </FileRoom>
    </SessionProvider>
  );
}

function SessionRoom({ id, me }: { id: string; me: Me }) {
  const client = useClient();
  const places = usePlaces();
  const ownMoves = useOwnMoves();
  const line = useClientState((state) => state.line);
  const title = useSession((state) => state.session?.title);
  const isWide = useMedia("(min-width: 64rem)");
  const now = useNow(1_000);
  const [main, setMain] = useState<Main>("transcript");
  const [isChatTab, setChatTab] = useState(false);
  const tab: Tab = isChatTab && !isWide ? "chat" : main;
  const setTab = useCallback((name: Tab) => {
    setChatTab(name === "chat");
    if (name !== "chat") setMain(name);
  }, []);
  // By hand: whoever follows somebody goes their own way then.
  const chooseTab = useCallback(
    (name: Tab) => {
      places.moved();
      setTab(name);
    },
    [places, setTab],
  );
  const follow = useFollowKey();
  useEscapeStops();
  const [hasFiles, setHasFiles] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const transcript = useRef<TranscriptHandle>(null);
  const composer = useRef<ComposerHandle>(null);
  const { unread, mentions } = useUnread();
  useTitle(`${unread > 0 ? `(${unread}) ` : ""}${title ?? "Session"} · Cosession`);
  usePresenceReport(client);

  useEffect(() => {
    if (tab === "chat" && !isWide) {
      places.report(viewport("chat"));
    }
  }, [places, tab, isWide]);

  const focusChat = useCallback(() => {
    // Beside the chat there is room for where one is led.
    if (!isWide) places.moved();
    setTab("chat");
    requestAnimationFrame(() => composer.current?.focus());
  }, [setTab, places, isWide]);
  const listed = useListedFiles(id);
  const openFile = useOpening({
    onShow: useCallback(() => setTab("files"), [setTab]),
    isShown: tab === "files",
    listed,
  });
  const showFile = useCallback(
    (file: string, place?: FilePlace) => {
      places.moved();
      if (openFile(file, place)) return;
      setTab("transcript");
      // A transcript that was hidden has no height to scroll in before it is drawn.
      requestAnimationFrame(() => transcript.current?.toFile(file));
    },
    [openFile, setTab, places],
  );
  const [, navigate] = useLocation();
  const [isSearchOpen, setSearchOpen] = useState(false);
  const leadTo = useLeading(id);
  useAddressedEntry(leadTo);
  useSearchKeys(useCallback(() => setSearchOpen(true), []));
  const goToHit = (hit: SearchHit) => {
    setSearchOpen(false);
    if (hit.session_id !== id) navigate(addressOf(hit.session_id, hit.seq));
    else if (hit.kind === "file" && hit.ref_id !== null) showFile(hit.ref_id);
    else void leadTo(hit.seq);
  };
  useServePlace("transcript", async ({ seq, fraction }) => {
    if (seq === null) return false;
    setTab("transcript");
    await nextFrame();
    return (await transcript.current?.toSeq(seq, fraction)) ?? false;
  });
  useServePlace("chat", () => {
    setTab("chat");
    return true;
  });
  useEffect(() => {
    if (main === "files") setHasFiles(true);
  }, [main]);
  useShortcuts(
    useMemo(
      () => ({
        focusChat,
        step: (by: 1 | -1) => {
          chooseTab("transcript");
          transcript.current?.step(by);
        },
        toEnd: () => {
          places.moved();
          transcript.current?.toEnd();
        },
        toMain: chooseTab,
        follow,
        help: () => setHelpOpen(true),
      }),
      [focusChat, chooseTab, follow, places],
    ),
  );

  if (line.phase === "stopped") return <Stopped line={line} me={me} onRetry={() => client.reconnect()} />;
  const shows = (name: Tab) => tab === name || (isWide && name === "chat");
  return (
    <KnownFiles listed={listed} onShow={showFile}>
      <div className="flex h-full flex-col">
        <SessionHeader
          onSearch={() => setSearchOpen(true)}
          onHelp={() => setHelpOpen(true)}
          isNarrow={!isWide}
        />
        {!isWide && <Tabs tab={tab} onTab={chooseTab} unread={unread} mentions={mentions} />}
        {!isWide && <FollowChips isNarrow />}
        <main className="relative flex min-h-0 flex-1">
          <FollowBorder />
          <SummonPrompt />
          <OfflineBanner now={now} onRetry={() => client.reconnect()} />
          <div {...ownMoves} className={`relative flex min-w-0 flex-1 flex-col ${shows("chat") && !isWide ? "hidden" : ""}`}>
            {isWide && <MainSwitch main={main} onMain={chooseTab} />}
            {isWide && <FollowChips isNarrow={false} />}
            <div className={`min-h-0 flex-1 ${shows("transcript") ? "" : "hidden"}`}>
              <Transcript ref={transcript} />
            </div>
            {(hasFiles || main === "files") && (
              <div className={`min-h-0 flex-1 ${shows("files") ? "" : "hidden"}`}>
                <Suspense fallback={null}>
                  <FileSurface id={id} isShown={shows("files")} isNarrow={!isWide} />
                </Suspense>
              </div>
            )}
          </div>
          <div
            className={`border-line min-h-0 ${isWide ? "shrink-0 border-l" : "w-full"} ${shows("chat") ? "" : "hidden"}`}
          >
            <ChatPanel sessionId={id} me={me} isShown={shows("chat")} isBeside={isWide} composer={composer} />
          </div>
        </main>
        <Announcer />
        <CommentNews />
        <FollowAnnouncer />
        {isSearchOpen && <SearchDialog sessionId={id} onChoose={goToHit} onClose={() => setSearchOpen(false)} />}
        {isHelpOpen && <HelpDialog onClose={() => setHelpOpen(false)} />}
      </div>
    </KnownFiles>
  );
}

/** Names of files in any text lead to where the agent changed them. */
function KnownFiles({
  listed,
  onShow,
  children,
}: {
  listed: readonly string[];
  onShow: (file: string, place?: FilePlace) => void;
  children: ReactNode;
}) {
  const paths = useSession((state) => [...state.files.keys(), ...state.sharedFiles.keys()].join("\n"));
  const links = useMemo(() => {
    const known = [...paths.split("\n"), ...listed];
    return { has: (file: string) => known.some((path) => isSameFile(path, file)), show: onShow };
  }, [paths, listed, onShow]);
  return <FileLinksProvider links={links}>{children}</FileLinksProvider>;
}

/** Paths of the shared files as the server lists them: those shared before the entries at hand are known by it alone. */
function useListedFiles(id: string): readonly string[] {
  const list = useQuery({ queryKey: ["files", id], queryFn: ({ signal }) => api.files(id, signal), staleTime: 30_000 });
  return useMemo(() => list.data?.items.map((file) => file.path) ?? [], [list.data]);
}

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** Where there is room, transcript and files take turns beside the chat. */
function MainSwitch({ main, onMain }: { main: Main; onMain: (main: Main) => void }) {
  const names: Record<Main, string> = { transcript: "Transcript", files: "Files" };
  return (
    <nav aria-label="What is shown beside the chat" className="border-line bg-surface flex shrink-0 gap-1 border-b px-3">
      {(["transcript", "files"] as const).map((name, at) => (
        <button
          key={name}
          type="button"
          aria-pressed={main === name}
          title={`${names[name]} (${at + 1})`}
          onClick={() => onMain(name)}
          className={`-mb-px h-9 border-b-2 px-2.5 text-xs font-medium outline-offset-[-3px] ${
            main === name ? "border-accent text-ink" : "text-ink-soft hover:text-ink border-transparent"
          }`}
        >
          {names[name]}
        </button>
      ))}
    </nav>
  );
}

interface TabsProps {
  tab: Tab;
  onTab: (tab: Tab) => void;
  unread: number;
  mentions: number;
}

function Tabs({ tab, onTab, unread, mentions }: TabsProps) {
  const names: Record<Tab, string> = { transcript: "Transcript", files: "Files", chat: "Chat" };
  return (
    <nav aria-label="Parts of the session" className="border-line bg-surface flex shrink-0 border-b px-2">
      {(["transcript", "files", "chat"] as const).map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={tab === name}
          onClick={() => onTab(name)}
          className={`-mb-px flex h-10 flex-1 items-center justify-center gap-1.5 border-b-2 text-sm font-medium outline-offset-[-3px] ${
            tab === name ? "border-accent text-ink" : "text-ink-soft border-transparent"
          }`}
        >
          {names[name]}
          {name === "chat" && unread > 0 && (
            <UnreadBadge unread={unread} mentions={mentions} />
          )}
        </button>
      ))}
    </nav>
  );
}

function Stopped({ line, me, onRetry }: { line: Extract<Line, { phase: "stopped" }>; me: Me; onRetry: () => void }) {
  // Somebody without a seat is told "not found"; who had one knows better.
  const wasInside = useSession((state) => state.session !== null);
  if (line.code === 4401) {
    return (
      <Shell>
        <Message icon="key" title="You are signed out" tone="bad">
          <p>{line.reason || "Your sign-in has ended. What you had not sent is kept in this browser."}</p>
          <Button look="primary" onClick={() => location.reload()}>
            Sign in again
          </Button>
        </Message>
      </Shell>
    );
  }
  const [title, text] =
    line.code === 4404 && !wasInside
      ? ["There is no such session", "It does not exist, or you are not one of its people. Ask for an invite."]
      : line.code === 4403 || line.code === 4404
        ? ["You are not in this session any more", "A host took you out of it. Ask them if you think it was a mistake."]
        : ["The connection was ended", "The server ended it and asked not to come back by itself."];
  return (
    <Shell me={me}>
      <Message icon="ban" title={title} tone="bad">
        <p>{text}</p>
        {line.code !== 4403 && line.code !== 4404 && line.reason && <p className="text-ink-faint text-xs">{line.reason}</p>}
        <p className="flex justify-center gap-2">
          <LinkButton href="/" look="primary">
            Your sessions
          </LinkButton>
          <Button onClick={onRetry}>Try again</Button>
        </p>
      </Message>
    </Shell>
  );
}
