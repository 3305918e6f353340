/** A button that opens a short list of actions: arrows walk it, Escape and a click elsewhere close it. */
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { IconButton } from "./controls";
import { Icon, type IconName } from "./icon";

export interface MenuItem {
  icon: IconName;
  label: string;
  isDangerous?: boolean;
  onChoose: () => void;
}

interface Props {
  label: string;
  items: readonly MenuItem[];
  icon?: IconName;
  /** What the button shows in place of an icon. */
  face?: ReactNode;
  /** Stands over the actions. */
  heading?: ReactNode;
}

export function Menu({ icon = "more", label, items, face, heading }: Props) {
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isOpen) return;
    frame.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const onPress = (event: PointerEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    frame.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return;
    const found = [...(frame.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = found.indexOf(document.activeElement as HTMLElement);
    const next = {
      ArrowDown: found[(at + 1) % found.length],
      ArrowUp: found.at(at <= 0 ? -1 : at - 1),
      Home: found[0],
      End: found.at(-1),
    }[event.key];
    if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else if (next) next.focus();
    if (event.key === "Escape" || next) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  const opens = {
    "aria-haspopup": "menu",
    "aria-expanded": isOpen,
    "aria-controls": isOpen ? id : undefined,
    onClick: () => setOpen(!isOpen),
  } as const;
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- hears the keys of the buttons within
    <div ref={frame} className="relative" onKeyDown={onKeyDown}>
      {face ? (
        <button type="button" aria-label={label} className="block rounded-full" {...opens}>
          {face}
        </button>
      ) : (
        <IconButton icon={icon} label={label} {...opens} />
      )}
      {isOpen && (
        <div
          id={id}
          role="menu"
          aria-label={label}
          className="bg-raised border-line shadow-raised absolute top-full right-0 z-40 mt-1 min-w-44 rounded-card border py-1"
        >
          {heading && (
            <div aria-hidden="true" className="border-line text-ink-faint mb-1 max-w-72 border-b px-3 pt-1 pb-2 text-xs">{heading}</div>
          )}
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close();
                item.onChoose();
              }}
              className={`hover:bg-hover focus:bg-hover flex w-full items-center gap-2.5 px-3 py-1.5 text-left text-sm whitespace-nowrap -outline-offset-2 ${item.isDangerous ? "text-bad" : ""}`}
            >
              <Icon name={item.icon} />
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
