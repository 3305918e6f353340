import { expect, test } from "vitest";
import { sessionPath } from "./open-as";

test.each([
  ["http://localhost:8000/s/ses_1", "/s/ses_1"],
  ["http://localhost:8000/s/ses_1?x=1", "/s/ses_1"],
  ["http://127.0.0.1:8000/s/ses_1", "/s/ses_1"],
  ["http://localhost:8001/s/ses_1", null],
  ["http://localhost:8000/", null],
  ["http://localhost:8000/s/ses_1/more", null],
  ["http://elsewhere.example/s/ses_1", null],
  ["/s/ses_1", null],
  ["javascript:alert(1)", null],
])("the session that %j leads to is %j", (url, path) => {
  expect(sessionPath(url, "http://localhost:8000")).toBe(path);
});
