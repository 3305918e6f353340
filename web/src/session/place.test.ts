import { describe, expect, test } from "vitest";
import { Places, type Place } from "./place";
import { viewport } from "./protocol";

const at = (top_line: number) => viewport("file", { file: "a.py", top_line });

describe("places", () => {
  test("the server is told of a new place once", () => {
    const told: Place[] = [];
    const places = new Places((place) => told.push(place));
    places.report(at(1));
    places.report(at(1));
    places.report(at(2));
    expect(told.map((place) => place.top_line)).toEqual([1, 2]);
    expect(places.current).toEqual(at(2));
  });

  test("a place is reached by the surface that serves it, while it stands", async () => {
    const places = new Places(() => undefined);
    const gone: Place[] = [];
    const leave = places.serve("file", (place) => gone.push(place) > 0);
    expect(await places.goTo(at(7))).toBe(true);
    expect(await places.goTo(viewport("transcript", { seq: 3 }))).toBe(false);
    leave();
    expect(await places.goTo(at(8))).toBe(false);
    expect(gone).toEqual([at(7)]);
  });

  test("whoever listens hears of moves by hand", () => {
    const places = new Places(() => undefined);
    const heard: (Place | null)[] = [];
    const deaf = places.onOwnMove((place) => heard.push(place));
    places.moved(at(3));
    deaf();
    places.moved(at(4));
    expect(heard).toEqual([at(3)]);
  });
});
