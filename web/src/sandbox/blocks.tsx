/** Draws Block Kit. What a person does with an element goes to `onAction`. */
import { useState } from "react";
import Markdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { OpenAs, sessionPath } from "./open-as";
import { RichText, SafeLink, Text } from "./text";
import type { Block, Element, RichPart } from "./types";

export type OnAction = (actionId: string, value?: string | string[], blockId?: string) => void;

export function Blocks({ blocks, onAction }: { blocks: Block[]; onAction: OnAction }) {
  return (
    <div className="sb-blocks">
      {blocks.map((block, index) => (
        <OneBlock
          key={block.block_id ?? index} block={block}
          onAction={(actionId, value) => onAction(actionId, value, block.block_id)}
        />
      ))}
    </div>
  );
}

function OneBlock({ block, onAction }: { block: Block; onAction: OnAction }) {
  switch (block.type) {
    case "section":
      return (
        <div className="sb-section">
          <div className="sb-section-text">
            {block.text && <div><Text value={block.text} /></div>}
            {block.fields && (
              <div className="sb-fields">
                {block.fields.map((field, index) => <div key={index}><Text value={field} /></div>)}
              </div>
            )}
          </div>
          {block.accessory && <Interactive element={block.accessory} onAction={onAction} />}
        </div>
      );
    case "header":
      return <h3 className="sb-header"><Text value={block.text} /></h3>;
    case "context":
      return (
        <div className="sb-context">
          {block.elements?.map((element, index) =>
            element.type === "image" ? (
              <img key={index} src={element.image_url} alt={element.alt_text ?? ""} width={18} height={18} />
            ) : (
              <span key={index}><Text value={{ type: element.type, text: String(element.text) }} /></span>
            ),
          )}
        </div>
      );
    case "actions":
      return (
        <div className="sb-actions">
          {block.elements?.map((element, index) => (
            <Interactive key={element.action_id ?? index} element={element} onAction={onAction} />
          ))}
        </div>
      );
    case "divider":
      return <hr className="sb-divider" />;
    case "image":
      return (
        <figure className="sb-figure">
          {block.title && <figcaption><Text value={block.title} /></figcaption>}
          <img src={block.image_url} alt={block.alt_text ?? ""} />
        </figure>
      );
    case "markdown":
      return (
        <div className="sb-markdown">
          <Markdown
            remarkPlugins={[remarkGfm]}
            components={{ a: ({ href, children }) => <SafeLink url={href ?? ""}>{children}</SafeLink> }}
          >
            {typeof block.text === "string" ? block.text : ""}
          </Markdown>
        </div>
      );
    case "rich_text":
      return <div><RichText parts={(block.elements ?? []) as RichPart[]} /></div>;
    case "table":
      return (
        <div className="sb-table">
          <table>
            <tbody>
              {block.rows?.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, column) => (
                    <td key={column}>{cell.elements ? <RichText parts={cell.elements} /> : cell.text}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    default:
      return <p className="sb-note">A block of type “{block.type}” is not drawn here.</p>;
  }
}

export function optionsOf(element: Element) {
  return element.options ?? element.option_groups?.flatMap((group) => group.options) ?? [];
}

function Interactive({ element, onAction }: { element: Element; onAction: OnAction }) {
  const id = element.action_id ?? "";
  if (element.type === "image") return <img className="sb-thumb" src={element.image_url} alt={element.alt_text ?? ""} />;
  if (element.type === "button") {
    const press = () => {
      if (element.confirm && !window.confirm(element.confirm.text.text)) return;
      onAction(id);
    };
    const look = `sb-button ${element.style ? `sb-button-${element.style}` : ""}`;
    if (element.url) {
      const path = sessionPath(element.url, location.origin);
      if (path) return <OpenAs element={element} path={path} look={look} onPress={press} />;
      return (
        <a className={look} href={element.url} target="_blank" rel="noreferrer" onClick={press}>
          <Text value={element.text} />
        </a>
      );
    }
    return <button type="button" className={look} onClick={press}><Text value={element.text} /></button>;
  }
  const options = optionsOf(element);
  if (element.type === "checkboxes" || element.type === "multi_static_select") {
    return <Boxes key={JSON.stringify(element.initial_options)} element={element} onAction={(values) => onAction(id, values)} />;
  }
  if (element.type === "timepicker" || element.type === "datepicker") {
    return (
      <input
        className="sb-input" type={element.type === "timepicker" ? "time" : "date"} aria-label={element.placeholder?.text ?? "Choose"}
        defaultValue={element.initial_time ?? element.initial_date} onChange={(event) => onAction(id, event.target.value)}
      />
    );
  }
  if (options.length) {
    return (
      <select
        className="sb-input"
        aria-label={element.placeholder?.text ?? "Choose"}
        defaultValue={element.initial_option?.value ?? ""}
        onChange={(event) => onAction(id, event.target.value)}
      >
        <option value="" disabled>{element.placeholder?.text ?? "Choose…"}</option>
        {options.map((option) => <option key={option.value} value={option.value}>{option.text.text}</option>)}
      </select>
    );
  }
  return <span className="sb-note">An element of type “{element.type}” is not drawn here.</span>;
}

/** Several of several. The app hears of every tick, and may draw them anew. */
function Boxes({ element, onAction }: { element: Element; onAction: (values: string[]) => void }) {
  const [ticked, setTicked] = useState(() => element.initial_options?.map((option) => option.value) ?? []);
  const toggle = (value: string) => {
    const after = ticked.includes(value) ? ticked.filter((one) => one !== value) : [...ticked, value];
    setTicked(after);
    onAction(after);
  };
  return (
    <div role="group" className="sb-checks" aria-label={element.placeholder?.text ?? "Choose"}>
      {optionsOf(element).map((option) => (
        <label key={option.value}>
          <input type="checkbox" checked={ticked.includes(option.value)} onChange={() => toggle(option.value)} /> {option.text.text}
        </label>
      ))}
    </div>
  );
}
