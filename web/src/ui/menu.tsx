/** A button that opens a short list of actions: arrows walk it, Escape and a click elsewhere close it. */
import { type ReactNode, useId } from "react";
import { IconButton } from "./controls";
import { useDropdown } from "./dropdown";
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
  const { frame, isOpen, toggle, close, onKeyDown } = useDropdown({ items: "[role=menuitem]", wraps: true });
  const id = useId();
  const opens = {
    "aria-haspopup": "menu",
    "aria-expanded": isOpen,
    "aria-controls": isOpen ? id : undefined,
    onClick: toggle,
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
