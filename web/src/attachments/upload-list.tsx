/** The files of a draft, above the field: how far each is, and a way to take it back or try it again. */
import { Icon } from "~/ui/icon";
import { addressOfFile, fitted, isPicture, sizeInWords } from "./sizes";
import type { Upload, Uploads } from "./use-uploads";

const BOX = 40;

export function UploadList({ sessionId, uploads }: { sessionId: string; uploads: Uploads }) {
  const { items, refusal } = uploads;
  return (
    <>
      {items.length > 0 && (
        <ul aria-label="Files of this message" className="mb-2 flex flex-wrap gap-1.5">
          {items.map((item) => (
            <Chip key={item.id} sessionId={sessionId} item={item} uploads={uploads} />
          ))}
        </ul>
      )}
      {refusal && (
        <p role="alert" className="text-bad mb-1.5 px-1 text-2xs">
          {refusal}
        </p>
      )}
      <p role="status" className="sr-only">
        {items.length > 0 ? inSum(items) : ""}
      </p>
    </>
  );
}

function Chip({ sessionId, item, uploads }: { sessionId: string; item: Upload; uploads: Uploads }) {
  const isSending = item.file === null && item.error === null;
  return (
    <li
      className={`border-line bg-raised relative flex max-w-full items-center gap-2 overflow-hidden rounded-lg border py-1 pr-1 pl-1.5 text-xs ${item.error ? "border-bad/40 bg-bad-soft" : ""}`}
    >
      {item.file && isPicture(item.file) ? (
        <img
          src={addressOfFile(sessionId, item.file)}
          alt=""
          {...fitted(item.file, BOX, BOX)}
          className="rounded"
        />
      ) : (
        <Icon name="file" size={16} className="text-ink-faint" />
      )}
      <span className="flex min-w-0 flex-col">
        <span className="max-w-44 truncate font-medium" title={item.name}>
          {item.name}
        </span>
        <span className={item.error ? "text-bad" : "text-ink-faint"}>
          {item.error ?? (isSending ? `${Math.round(item.progress * 100)} %` : sizeInWords(item.size))}
        </span>
      </span>
      {item.error && item.source && (
        <Small icon="retry" label={`Send ${item.name} again`} onClick={() => uploads.retry(item.id)} />
      )}
      <Small icon="close" label={`Remove ${item.name}`} onClick={() => uploads.remove(item.id)} />
      {isSending && (
        <span
          aria-hidden="true"
          className="bg-accent absolute bottom-0 left-0 h-0.5 transition-[width]"
          style={{ width: `${item.progress * 100}%` }}
        />
      )}
    </li>
  );
}

function Small({ icon, label, onClick }: { icon: "retry" | "close"; label: string; onClick: () => void }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      className="text-ink-soft hover:bg-hover hover:text-ink grid size-6 shrink-0 place-items-center rounded"
    >
      <Icon name={icon} size={12} />
    </button>
  );
}

/** For those who only hear it: said when a file has arrived or failed, not at every percent. */
function inSum(items: readonly Upload[]): string {
  const there = items.filter((item) => item.file !== null).length;
  const failed = items.filter((item) => item.error !== null).length;
  const words = `${there} of ${items.length} files are ready to be sent with the message.`;
  return failed > 0 ? `${words} ${failed} did not get through.` : words;
}
