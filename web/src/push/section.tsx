/** Pushes in this browser, and in one's other ones. */
import type { ReactNode } from "react";
import type { Me } from "~/api/cosession";
import { ago, moment } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import { Badge, Button, Refusal, Spinner } from "~/ui/controls";
import { ability, type PushBrowser } from "./browser";
import { usePush, usePushDeeds } from "./data";

export function PushChoice({ me }: { me: Me }) {
  const push = usePush();
  const { on, off, remove, test } = usePushDeeds(me.user_id);
  if (!push.data) {
    return (
      <div className="text-ink-soft p-4 text-sm">
        {push.isError ? <Refusal>{push.error.message}</Refusal> : <Spinner label="One moment…" />}
      </div>
    );
  }
  const { public_key, items } = push.data;
  const own = items.find((one) => one.is_this);
  const others = items.filter((one) => !one.is_this);
  const problem = on.error ?? off.error ?? test.error;
  return (
    <>
      <div className="space-y-3 p-4 text-sm">
        <Here
          own={own}
          isBusy={on.isPending || off.isPending}
          onSwitchOn={() => {
            test.reset();
            on.mutate(public_key);
          }}
          onSwitchOff={() => {
            on.reset();
            off.mutate(own?.id);
          }}
        >
          {own && (
            <Button disabled={test.isPending} onClick={() => test.mutate(own.id)}>
              Send a test
            </Button>
          )}
        </Here>
        {test.isSuccess && own && (
          <p role="status" className="text-ink-soft text-xs">
            On its way. If nothing comes up within a minute, look whether your system lets this browser show notifications.
          </p>
        )}
        {problem && <Refusal>{problem.message}</Refusal>}
      </div>
      {others.length > 0 && (
        <ul aria-label="Your other browsers" className="divide-line border-line divide-y border-t">
          {others.map((browser) => (
            <Other key={browser.id} browser={browser} onRemove={() => remove.mutate(browser.id)} isBusy={remove.isPending} />
          ))}
        </ul>
      )}
    </>
  );
}

interface HereProps {
  own: PushBrowser | undefined;
  isBusy: boolean;
  onSwitchOn: () => void;
  onSwitchOff: () => void;
  children: ReactNode;
}

function Here({ own, isBusy, onSwitchOn, onSwitchOff, children }: HereProps) {
  const can = ability();
  if (can === "unsupported") return <State badge={<Badge>Not possible</Badge>}>This browser takes no pushes.</State>;
  if (can === "insecure") {
    return <State badge={<Badge>Not possible</Badge>}>Browsers take pushes only from a site that is reached by HTTPS.</State>;
  }
  if (can === "blocked") {
    return (
      <State badge={<Badge tone="warn">Blocked</Badge>}>
        You have told this browser to show no notifications of this site. Allow them in its settings for this site, then
        load this page anew.
      </State>
    );
  }
  if (own) {
    return (
      <State badge={<Badge tone="good">On</Badge>} deeds={<>{children}<Button disabled={isBusy} onClick={onSwitchOff}>Switch off</Button></>}>
        This browser shows what concerns you, until you sign out here.
      </State>
    );
  }
  return (
    <State
      badge={<Badge>Off</Badge>}
      deeds={
        <Button look="primary" icon="bell" disabled={isBusy} onClick={onSwitchOn}>
          {isBusy ? "Switching on…" : "Switch on in this browser"}
        </Button>
      }
    >
      Nothing comes up in this browser while Cosession is closed.
    </State>
  );
}

function State({ badge, deeds, children }: { badge: ReactNode; deeds?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
      <p className="flex min-w-56 flex-1 items-start gap-2.5">
        {badge}
        <span>{children}</span>
      </p>
      {deeds && <div className="flex flex-wrap gap-2">{deeds}</div>}
    </div>
  );
}

function Other({ browser, onRemove, isBusy }: { browser: PushBrowser; onRemove: () => void; isBusy: boolean }) {
  const now = useNow(60_000);
  const since = browser.last_sent_at;
  return (
    <li className="flex items-center gap-3 px-4 py-2.5 text-sm">
      <span className="min-w-0 flex-1">
        <span className="block truncate">{browser.label}</span>
        <span className="text-ink-faint block text-xs" title={moment(since ?? browser.created_at)}>
          {since ? `last pushed to ${ago(since, now)}` : `switched on ${ago(browser.created_at, now)}`}
        </span>
      </span>
      <Button size="sm" disabled={isBusy} aria-label={`Remove ${browser.label}`} onClick={onRemove}>
        Remove
      </Button>
    </li>
  );
}
