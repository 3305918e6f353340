/** What somebody is called, when they want a digest, and leaving every browser at once. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, type Digest, type DigestWish, type Me } from "~/api/cosession";
import { moment } from "~/lib/format";
import { say } from "~/lib/toast";
import { Button, Field, fieldClass, Refusal } from "~/ui/controls";

const weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const clock = (minute: number) =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

/** Minutes after midnight; null for what is no time. */
function minutes(time: string): number | null {
  const match = /^(\d\d):(\d\d)$/.exec(time);
  return match ? Number(match[1]) * 60 + Number(match[2]) : null;
}

export function DigestChoice() {
  const queries = useQueryClient();
  const digest = useQuery({ queryKey: ["digest"], queryFn: ({ signal }) => api.digest(signal) });
  const choose = useMutation({
    mutationKey: ["digest"],
    // One after the other, each upon what was chosen before it, answered or not.
    scope: { id: "digest" },
    mutationFn: (wish: DigestWish) => api.chooseDigest(wish),
    onMutate: (wish) => queries.setQueryData<Digest>(["digest"], (now) => now && { ...now, ...wish }),
    onSettled: () => {
      if (queries.isMutating({ mutationKey: ["digest"] }) === 1)
        void queries.invalidateQueries({ queryKey: ["digest"] });
    },
  });
  const chosen = digest.data;
  if (!chosen) return <p className="text-ink-soft px-4 py-3 text-sm">{digest.error?.message ?? "One moment…"}</p>;
  const { cadence, minute, weekday } = chosen;
  const set = (part: Partial<DigestWish>) => choose.mutate({ cadence, minute, weekday, ...part });
  return (
    <div className="flex flex-wrap items-end gap-4 p-4 text-sm">
      <label>
        <span className="mb-1 block font-medium">How often</span>
        <select
          className={fieldClass}
          value={cadence}
          onChange={(event) => set({ cadence: event.target.value as DigestWish["cadence"] })}
        >
          <option value="off">Never</option>
          <option value="daily">Every day</option>
          <option value="weekly">Every week</option>
        </select>
      </label>
      {cadence === "weekly" && (
        <label>
          <span className="mb-1 block font-medium">On</span>
          <select
            className={fieldClass}
            value={weekday}
            onChange={(event) => set({ weekday: Number(event.target.value) })}
          >
            {weekdays.map((name, number) => (
              <option key={name} value={number}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {cadence !== "off" && (
        <label>
          <span className="mb-1 block font-medium">At</span>
          <input
            type="time"
            className={fieldClass}
            value={clock(minute)}
            onChange={(event) => {
              const chosenMinute = minutes(event.target.value);
              if (chosenMinute !== null) set({ minute: chosenMinute });
            }}
          />
        </label>
      )}
      <p className="text-ink-soft basis-full text-xs" role="status">
        {chosen.next_at ? `The next comes ${moment(chosen.next_at)}, if anything has happened.` : "None will come."}
      </p>
      {choose.isError && <Refusal>{choose.error.message}</Refusal>}
    </div>
  );
}

/** Languages in which dates are offered; of each its own way of writing one is shown. */
const LANGUAGES =
  "en-GB en-US de de-CH fr es it nl pt-BR pl sv da fi cs tr uk ja ko zh-Hans".split(" ");

const sample = (tag?: string) => new Intl.DateTimeFormat(tag, { dateStyle: "full", timeStyle: "short" }).format(Date.now());

export function DateChoice({ me }: { me: Me }) {
  const queries = useQueryClient();
  const choose = useMutation({
    mutationFn: (language: string) => api.changeProfile({ language }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["me"] }),
  });
  const chosen = choose.isPending ? choose.variables : (me.language ?? "");
  return (
    <div className="p-4 text-sm">
      <label className="block">
        <span className="mb-1 block font-medium">Dates look like this</span>
        <select className={`${fieldClass} max-w-md`} value={chosen} onChange={(event) => choose.mutate(event.target.value)}>
          <option value="">{sample()} (as in this browser)</option>
          {[...new Set([...LANGUAGES, ...(chosen ? [chosen] : [])])].map((tag) => (
            <option key={tag} value={tag} lang={tag}>
              {sample(tag)} ({tag})
            </option>
          ))}
        </select>
      </label>
      {choose.isError && <Refusal className="mt-3">{choose.error.message}</Refusal>}
    </div>
  );
}

export function OwnAccount({ me }: { me: Me }) {
  const queries = useQueryClient();
  const [name, setName] = useState(me.username);
  const rename = useMutation({
    mutationFn: () => api.changeProfile({ username: name }),
    onSuccess: async (profile) => {
      setName(profile.username);
      await queries.invalidateQueries({ queryKey: ["me"] });
      say("Your name is changed: the sessions that you open next show it.");
    },
  });
  const leave = useMutation({
    mutationFn: api.signOutEverywhere,
    onSuccess: () => queries.setQueryData(["me"], null),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate();
  };
  return (
    <div className="space-y-4 p-4">
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <div className="min-w-48 flex-1">
          <Field
            label="Your name"
            value={name}
            onChange={(event) => setName(event.target.value)}
            maxLength={80}
            required
            autoComplete="name"
          />
        </div>
        <Button type="submit" disabled={rename.isPending || name.trim() === me.username}>
          Change name
        </Button>
      </form>
      {rename.isError && <Refusal>{rename.error.message}</Refusal>}
      <Button disabled={leave.isPending} onClick={() => leave.mutate()}>
        Sign out everywhere
      </Button>
      {leave.isError && <Refusal>{leave.error.message}</Refusal>}
    </div>
  );
}
