import { describe, expect, it } from "vitest";
import { isSafeUrl, parse } from "./mrkdwn";

describe("mrkdwn", () => {
  it("reads styles, also inside each other", () => {
    expect(parse("*a _b_*")).toEqual([
      { kind: "bold", children: [{ kind: "text", text: "a " }, { kind: "italic", children: [{ kind: "text", text: "b" }] }] },
    ]);
  });

  it("leaves names with underscores, sums and lone marks as they are", () => {
    for (const text of ["snake_case_name", "2*3*4", "a * b", "~ 5"]) expect(parse(text)).toEqual([{ kind: "text", text }]);
  });

  it("touches nothing in code and fences but the escapes", () => {
    expect(parse("`*a* &lt;b&gt;`")).toEqual([{ kind: "code", text: "*a* <b>" }]);
    expect(parse("```\n&gt; *a*\n_b_\n```")).toEqual([{ kind: "fence", text: "> *a*\n_b_" }]);
  });

  it("reads mentions, channels, links and broadcasts", () => {
    expect(parse("<@U1><#C1|general><https://x.example|x><!here>")).toEqual([
      { kind: "user", id: "U1" },
      { kind: "channel", id: "C1", label: "general" },
      { kind: "link", url: "https://x.example", label: "x" },
      { kind: "broadcast", range: "here" },
    ]);
  });

  it("swallows the line breaks around a fence", () => {
    expect(parse("a\n```b```\nc").map((node) => ("text" in node ? node.text : ""))).toEqual(["a", "b", "c"]);
  });

  it("gathers quoted lines", () => {
    expect(parse("&gt; a\n> b\nc")).toEqual([
      { kind: "quote", children: [{ kind: "text", text: "a\nb" }] },
      { kind: "text", text: "c" },
    ]);
  });

  it("follows web and mail links only", () => {
    expect(isSafeUrl("https://x.example")).toBe(true);
    expect(isSafeUrl("javascript:alert(1)")).toBe(false);
    expect(isSafeUrl(" javascript:alert(1)")).toBe(false);
  });
});
