/** The HTTP interface, as the server itself describes it: every operation by subject, its fields on demand. */
import { useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { api, type OpenApi, type Schema } from "~/api/cosession";
import { useMe } from "~/api/me";
import { CopyButton } from "~/code/code-block";
import { Markdown } from "~/code/markdown";
import { useTitle } from "~/lib/hooks";
import { type Described, operations, shape } from "~/lib/openapi";
import { Button } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Shell } from "~/ui/shell";
import { Bone, Message } from "~/ui/states";

const methodLook: Record<string, string> = {
  GET: "bg-info-soft text-info",
  POST: "bg-good-soft text-good",
  PATCH: "bg-warn-soft text-warn",
  PUT: "bg-warn-soft text-warn",
  DELETE: "bg-bad-soft text-bad",
};

export default function ReferencePage() {
  useTitle("API reference · Cosession");
  const me = useMe();
  const described = useQuery({ queryKey: ["openapi"], queryFn: ({ signal }) => api.openapi(signal), staleTime: Infinity });
  return (
    <Shell me={me.data}>
      {described.data ? (
        <Reference described={described.data} />
      ) : described.isError ? (
        <Message icon="alert" title="The reference could not be loaded" tone="bad">
          <p>{described.error.message}</p>
          <Button icon="retry" onClick={() => void described.refetch()}>
            Try again
          </Button>
        </Message>
      ) : (
        <div role="status" aria-label="Loading the reference" className="mx-auto max-w-4xl space-y-3 px-4 py-8">
          <Bone className="mb-6 h-7 w-48" />
          {[1, 2, 3, 4, 5].map((at) => (
            <Bone key={at} className="h-11" />
          ))}
        </div>
      )}
    </Shell>
  );
}

function Reference({ described }: { described: OpenApi }) {
  const groups = operations(described);
  return (
    <div className="mx-auto w-full max-w-4xl px-4 py-6 sm:px-6 sm:py-8">
      <h1 className="text-xl font-semibold tracking-tight">API reference</h1>
      <p className="text-ink-soft mt-1.5 max-w-2xl text-sm">
        JSON over HTTP, version {described.info.version}. Send <Code>Authorization: Bearer TOKEN</Code>;{" "}
        <Code>cosession token EMAIL</Code> prints one. Refusals are <Code>application/problem+json</Code> with a stable{" "}
        <Code>error_code</Code> and a <Code>detail</Code> for people. The same as a document for programs:{" "}
        <a href="/openapi.json" className="text-accent font-medium underline underline-offset-2">
          /openapi.json
        </a>
        .
      </p>
      {groups.map(({ tag, items }) => (
        <section key={tag} aria-labelledby={`tag-${tag}`} className="mt-8">
          <h2 id={`tag-${tag}`} className="mb-2 text-lg font-semibold first-letter:uppercase">
            {tag}
          </h2>
          <ul className="bg-surface border-line rounded-card divide-line divide-y border">
            {items.map((item) => (
              <li key={item.id} id={item.id}>
                <OperationView operation={item} schemas={described.components?.schemas ?? {}} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function OperationView({ operation, schemas }: { operation: Described; schemas: Record<string, Schema> }) {
  const { method, path, title, description, parameters = [] } = operation;
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const answers = Object.entries(operation.responses).filter(([status]) => Number(status) < 400);
  return (
    <details className="group">
      <summary className="hover:bg-hover flex cursor-pointer flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-2.5 -outline-offset-2 [&::-webkit-details-marker]:hidden">
        <Icon name="chevron" size={12} className="text-ink-faint transition-transform group-open:rotate-90" />
        <span className={`w-14 rounded py-0.5 text-center font-mono text-2xs font-semibold ${methodLook[method] ?? ""}`}>
          {method}
        </span>
        <span className="min-w-0 flex-1 basis-56 font-mono text-xs break-words">
          {path.split("/").map((part, at) => (
            // oxlint-disable-next-line no-array-index-key -- the same parts in the same order, always
            <Fragment key={at}>
              {at > 0 && "/"}
              <wbr />
              {part}
            </Fragment>
          ))}
        </span>
        <span className="text-ink-soft basis-full pl-5 text-xs sm:basis-auto sm:pl-0">{title}</span>
      </summary>
      <div className="border-line space-y-4 border-t px-4 py-4 text-sm sm:pl-9">
        {description && (
          <div className="text-ink-soft">
            <Markdown text={description} />
          </div>
        )}
        {parameters.length > 0 && (
          <div>
            <h3 className="mb-1 text-xs font-semibold">Parameters</h3>
            <dl className="space-y-1 text-xs">
              {parameters.map((parameter) => (
                <div key={`${parameter.in} ${parameter.name}`} className="flex flex-wrap gap-x-3">
                  <dt className="font-mono font-medium">{parameter.name}</dt>
                  <dd className="text-ink-soft">
                    {parameter.in}, {parameter.required ? "required" : "optional"}:{" "}
                    <span className="font-mono">{shape(parameter.schema ?? {}, schemas)}</span>
                    {parameter.description && ` · ${parameter.description}`}
                  </dd>
                </div>
              ))}
            </dl>
          </div>
        )}
        {body && <Shape title="Request body" text={shape(body, schemas)} />}
        {answers.map(([status, answer]) => {
          const schema = Object.values(answer.content ?? {})[0]?.schema;
          const isSaid = schema !== undefined && Object.keys(schema).length > 0;
          return isSaid ? (
            <Shape key={status} title={`Answer ${status}`} text={shape(schema, schemas)} />
          ) : (
            <p key={status} className="text-ink-soft text-xs">
              Answers {status}
              {status === "204" ? ", without a body." : "."}
            </p>
          );
        })}
      </div>
    </details>
  );
}

function Shape({ title, text }: { title: string; text: string }) {
  return (
    <div className="border-line bg-code overflow-hidden rounded-lg border">
      <div className="border-line flex h-7 items-center justify-between border-b pr-1 pl-3">
        <h3 className="text-ink-soft text-2xs font-medium">{title}</h3>
        <CopyButton text={text} />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls can be scrolled with keys */}
      <pre tabIndex={0} className="overflow-x-auto px-3 py-2.5 text-xs leading-5">
        {text}
      </pre>
    </div>
  );
}

function Code({ children }: { children: string }) {
  return <code className="bg-code border-line rounded border px-1 py-px text-xs whitespace-nowrap">{children}</code>;
}
