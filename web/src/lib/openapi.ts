/** The server's description of its HTTP interface, as people read it. Pure. */
import type { OpenApi, Operation, Schema } from "~/api/cosession";

export interface Described extends Operation {
  id: string;
  method: string;
  path: string;
  title: string;
}

const methods = ["get", "post", "put", "patch", "delete"];

/** Operations by their first tag, in the order of the description. */
export function operations(described: OpenApi): { tag: string; items: Described[] }[] {
  const groups = new Map<string, Described[]>();
  for (const [path, ways] of Object.entries(described.paths)) {
    for (const method of methods) {
      const operation = ways[method];
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? "other";
      const title = sentence(operation.summary ?? "");
      const id = `${method}${path.replace(/[^a-z0-9]+/gi, "-")}`.replace(/-$/, "");
      groups.set(tag, [...(groups.get(tag) ?? []), { ...operation, id, method: method.toUpperCase(), path, title }]);
    }
  }
  return [...groups].map(([tag, items]) => ({ tag, items }));
}

/** "List Sessions" → "List sessions". */
function sentence(words: string): string {
  return words.charAt(0) + words.slice(1).toLowerCase();
}

/** The schema as the JSON that it describes: one line for each field, `?` for what may be left out. */
export function shape(schema: Schema, schemas: Record<string, Schema>, indent = "", inside: string[] = []): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    const target = schemas[name];
    return target && !inside.includes(name) ? shape(target, schemas, indent, [...inside, name]) : name;
  }
  const part = (one: Schema) => shape(one, schemas, indent, inside);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices) return choices.map(part).join(schema.allOf ? " & " : " | ");
  if (schema.type === "array") {
    const item = part(schema.items ?? {});
    return / [|&] /.test(item) && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
  }
  if (schema.properties) {
    const deeper = `${indent}  `;
    const lines = Object.entries(schema.properties).map(([name, field]) => {
      const mark = schema.required?.includes(name) ? "" : "?";
      return `${deeper}${name}${mark}: ${shape(field, schemas, deeper, inside)}${limits(field)}`;
    });
    return `{\n${lines.join("\n")}\n${indent}}`;
  }
  if (typeof schema.additionalProperties === "object") return `{ [name]: ${part(schema.additionalProperties)} }`;
  return schema.type ?? "any";
}

function limits(field: Schema): string {
  const inner = field.anyOf?.find((one) => one.type !== "null") ?? field;
  const words = [
    inner.minimum !== undefined && `at least ${inner.minimum}`,
    inner.maximum !== undefined && `at most ${inner.maximum}`,
    inner.minLength !== undefined && `at least ${inner.minLength} ${inner.minLength === 1 ? "character" : "characters"}`,
    inner.maxLength !== undefined && `at most ${inner.maxLength} characters`,
    inner.pattern !== undefined && `matches ${inner.pattern}`,
    field.default !== undefined && field.default !== null && `${JSON.stringify(field.default)} by default`,
    field.description,
  ].filter(Boolean);
  return words.length > 0 ? `  (${words.join(", ")})` : "";
}
