/** Which version of a file: a button that opens its timeline, the newest on top. Arrows walk it. */
import { useId } from "react";
import { clock, moment } from "~/lib/format";
import type { FileVersion } from "~/session/protocol";
import { useDropdown } from "~/ui/dropdown";
import { Icon } from "~/ui/icon";

interface Props {
  label: string;
  /** The newest first. */
  versions: readonly FileVersion[];
  /** Null: the newest, whatever it is. */
  chosen: string | null;
  /** What null is called, where it is not the newest. */
  whenNull?: string;
  /** Names of contents that are no entry of the list. */
  onChoose: (version: string | null) => void;
}

const words = { added: "added", modified: "changed", deleted: "deleted", renamed: "renamed" };

export function VersionPicker({ label, versions, chosen, whenNull = "Newest", onChoose }: Props) {
  const { frame, isOpen, toggle, close, onKeyDown } = useDropdown({
    items: "[role=option]:not([aria-disabled=true])",
    first: "[role=option][aria-selected=true]",
    wraps: false,
  });
  const id = useId();
  const at = versions.findIndex((one) => one.version === chosen);
  const number = versions.length - at;
  const name = chosen === null || at < 0 ? whenNull : `Version ${number}`;

  const choose = (version: string | null) => {
    close();
    onChoose(version);
  };

  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- hears the keys of the buttons within
    <div ref={frame} className="relative" onKeyDown={onKeyDown}>
      <button
        type="button"
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={`${label}: ${name}${versions.length > 0 ? ` of ${versions.length}` : ""}`}
        onClick={toggle}
        className="border-line-strong/60 bg-raised hover:bg-hover flex h-7 items-center gap-1.5 rounded-control border px-2 text-xs whitespace-nowrap"
      >
        <Icon name="history" size={13} className="text-ink-faint" />
        {name}
        <Icon name="chevron" size={10} className="text-ink-faint rotate-90" />
      </button>
      {isOpen && (
        <div
          id={id}
          role="listbox"
          aria-label={label}
          className="bg-raised border-line shadow-raised absolute top-full right-0 z-30 mt-1 max-h-80 w-64 overflow-y-auto rounded-card border py-1 max-sm:right-auto max-sm:left-0"
        >
          <Option name={whenNull} detail="" isChosen={chosen === null || at < 0} onChoose={() => choose(null)} />
          {versions.map((one, index) => (
            <Option
              key={one.seq}
              name={`Version ${versions.length - index}`}
              detail={`${words[one.change]} ${clock(one.at)}`}
              title={moment(one.at)}
              isChosen={chosen !== null && index === at}
              isDisabled={one.version === null}
              onChoose={() => choose(one.version)}
            />
          ))}
        </div>
      )}
    </div>
  );
}

interface OptionProps {
  name: string;
  detail: string;
  title?: string;
  isChosen: boolean;
  isDisabled?: boolean;
  onChoose: () => void;
}

function Option({ name, detail, title, isChosen, isDisabled = false, onChoose }: OptionProps) {
  return (
    <div
      role="option"
      aria-selected={isChosen}
      aria-disabled={isDisabled || undefined}
      tabIndex={-1}
      title={title}
      onClick={isDisabled ? undefined : onChoose}
      onKeyDown={(event) => {
        if (isDisabled || (event.key !== "Enter" && event.key !== " ")) return;
        event.preventDefault();
        event.stopPropagation();
        onChoose();
      }}
      className={`flex items-center gap-2 px-3 py-1.5 text-xs -outline-offset-2 ${isDisabled ? "text-ink-faint" : "hover:bg-hover focus:bg-hover cursor-pointer"}`}
    >
      <Icon name={isChosen ? "check" : "dot"} size={13} className={isChosen ? "text-accent" : "text-ink-faint"} />
      <span className={isChosen ? "font-medium" : ""}>{name}</span>
      <span className="text-ink-faint ml-auto text-2xs tabular-nums">{detail}</span>
    </div>
  );
}
