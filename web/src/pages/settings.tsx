/** What somebody wants to be told of, where, and when not. Every change is kept at once. */
import { type ReactNode, useEffect, useRef } from "react";
import type { Me } from "~/api/cosession";
import {
  type Channel,
  CHANNELS,
  type Kind,
  type Preferences,
  useChangePreferences,
  useMuteSession,
  usePreferences,
} from "~/inbox/data";
import { kinds } from "~/inbox/row";
import { DateChoice, DigestChoice, OwnAccount } from "~/pages/settings-own";
import { useTitle } from "~/lib/hooks";
import { PushChoice } from "~/push/section";
import { Button, fieldClass } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Bone, Message } from "~/ui/states";

const channels: Record<Channel, { name: string; missing: string }> = {
  web: { name: "Inbox", missing: "" },
  push: { name: "Push", missing: "Switch a browser on, below, to be told there." },
  slack_dm: { name: "Slack", missing: "Connect your Slack account in the menu of your account to be told there." },
  email: { name: "E-mail", missing: "Your account has no e-mail address." },
};

const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export default function SettingsPage({ me }: { me: Me }) {
  useTitle("Settings · Cosession");
  const preferences = usePreferences();
  const change = useChangePreferences();
  const isZoneTold = useRef(false);
  const zone = preferences.data?.time_zone;
  useEffect(() => {
    // Where somebody is, as their browser has it, until they say something else.
    if (zone !== "" || isZoneTold.current) return;
    isZoneTold.current = true;
    change({ time_zone: here() });
  }, [zone, change]);
  return (
    <Shell me={me}>
      <div className="mx-auto w-full max-w-3xl px-4 py-6 sm:px-6 sm:py-8">
        <h1 className="mb-5 text-xl font-semibold tracking-tight">Settings</h1>
        {preferences.data && <Sections chosen={preferences.data} me={me} />}
        {!preferences.data && !preferences.isError && <Loading />}
        {!preferences.data && preferences.isError && (
          <Message icon="alert" title="Your settings could not be loaded" tone="bad">
            <p>{preferences.error.message}</p>
            <Button icon="retry" onClick={() => void preferences.refetch()}>
              Try again
            </Button>
          </Message>
        )}
      </div>
    </Shell>
  );
}

function Sections({ chosen, me }: { chosen: Preferences; me: Me }) {
  return (
    <div className="space-y-8">
      <Section
        title="What you are told of"
        about="One thing leaves by one way only: by push where you want it there, else by Slack, else by e-mail, and not at all while you have the session open or have read it."
      >
        <Matrix chosen={chosen} />
      </Section>
      <Section title="Push" about="What concerns you comes up on your screen, also while Cosession is closed.">
        <PushChoice me={me} />
      </Section>
      <Section
        title="Quiet hours"
        about="Nothing is sent to you in this time of the day; what has waited comes in one message afterwards. Your inbox fills all the same."
      >
        <QuietHours chosen={chosen} />
      </Section>
      {me.email && (
        <Section
          title="Digest"
          about="One mail about what happened in your sessions, at a time of your choosing. Nothing happened: no mail."
        >
          <DigestChoice />
        </Section>
      )}
      <Section title="Muted sessions" about="You hear nothing of these.">
        <Muted chosen={chosen} />
      </Section>
      <Section title="Dates" about="In the browser and in the mails that you get.">
        <DateChoice me={me} />
      </Section>
      <Section title="Account" about={me.email ?? "Your account has no e-mail address."}>
        <OwnAccount me={me} />
      </Section>
    </div>
  );
}

function Section({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="text-base font-semibold">{title}</h2>
      <p className="text-ink-soft mt-0.5 mb-3 text-sm">{about}</p>
      <div className="bg-surface border-line rounded-card border">{children}</div>
    </section>
  );
}

function Matrix({ chosen }: { chosen: Preferences }) {
  const change = useChangePreferences();
  const names = CHANNELS;
  const missing = names.filter((channel) => !chosen.reachable.includes(channel));
  const isOn = (kind: Kind, channel: Channel) =>
    chosen.cells.find((cell) => cell.kind === kind && cell.channel === channel)?.is_on ?? false;
  return (
    <>
      <table className="w-full text-sm">
        <thead>
          <tr className="border-line text-ink-faint border-b text-xs">
            <th scope="col" className="py-2 pr-2 pl-4 text-left font-medium">
              <span className="sr-only">What</span>
            </th>
            {names.map((channel) => (
              <th key={channel} scope="col" className="w-12 px-0.5 py-2 text-center font-medium last:w-14 last:pr-2 sm:w-20 sm:px-1">
                {channels[channel].name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-line divide-y">
          {(Object.keys(kinds) as Kind[]).map((kind) => (
            <tr key={kind}>
              <th scope="row" className="py-2.5 pr-2 pl-4 text-left font-normal">
                <span className="block font-medium">{kinds[kind].name}</span>
                <span className="text-ink-faint block text-xs">{kinds[kind].about}</span>
              </th>
              {names.map((channel) => (
                <td key={channel} className="px-0.5 text-center last:pr-2 sm:px-1">
                  <input
                    type="checkbox"
                    aria-label={`${kinds[kind].name}: ${channels[channel].name}`}
                    checked={isOn(kind, channel)}
                    disabled={missing.includes(channel)}
                    onChange={(event) => change({ cells: [{ kind, channel, is_on: event.target.checked }] })}
                    className="accent-accent size-4 align-middle disabled:opacity-40"
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {missing.map((channel) => (
        <p key={channel} className="border-line text-ink-soft border-t px-4 py-2 text-xs">
          {channels[channel].missing}
        </p>
      ))}
    </>
  );
}

const DEFAULT_HOURS = { start: "22:00", end: "08:00" };

function QuietHours({ chosen }: { chosen: Preferences }) {
  const change = useChangePreferences();
  const hours = chosen.quiet_hours;
  const set = (part: "start" | "end", value: string) => {
    if (hours && value && value !== hours[part === "start" ? "end" : "start"]) {
      change({ quiet_hours: { ...hours, [part]: value } });
    }
  };
  const zones = Intl.supportedValuesOf("timeZone");
  const zone = chosen.time_zone || here();
  return (
    <div className="space-y-3 p-4 text-sm">
      <label className="flex items-center gap-2.5 font-medium">
        <input
          type="checkbox"
          checked={hours !== null}
          onChange={(event) => change({ quiet_hours: event.target.checked ? DEFAULT_HOURS : null })}
          className="accent-accent size-4"
        />
        Leave me alone at night
      </label>
      {hours && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          {(["start", "end"] as const).map((part) => (
            <label key={part} className="flex items-center gap-2">
              {part === "start" ? "From" : "to"}
              <input
                key={hours[part]}
                type="time"
                required
                defaultValue={hours[part]}
                onBlur={(event) => set(part, event.target.value)}
                className={`${fieldClass} w-36!`}
              />
            </label>
          ))}
        </div>
      )}
      <label className="block">
        <span className="mb-1 block font-medium">Time zone</span>
        <select
          value={zone}
          onChange={(event) => change({ time_zone: event.target.value })}
          className={`${fieldClass} max-w-xs`}
        >
          {[...new Set([zone, ...zones])].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Muted({ chosen }: { chosen: Preferences }) {
  const mute = useMuteSession();
  if (chosen.muted_sessions.length === 0) return <p className="text-ink-soft p-4 text-sm">You have muted no session.</p>;
  return (
    <ul className="divide-line divide-y">
      {chosen.muted_sessions.map((session) => (
        <li key={session.session_id} className="flex items-center gap-3 px-4 py-2.5 text-sm">
          <span className="min-w-0 flex-1 truncate">{session.title}</span>
          <Button
            size="sm"
            aria-label={`Hear of ${session.title} again`}
            onClick={() => mute.mutate({ id: session.session_id, isMuted: false })}
          >
            Unmute
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading your settings" className="space-y-3">
      {[40, 90, 90, 90].map((width, index) => (
        <div key={index} style={{ width: `${width}%` }}>
          <Bone className="h-5" />
        </div>
      ))}
    </div>
  );
}
