/** What the parts of a session page share about its files: the desk, the places to go to, the comments on their way. */
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { CommentDesk, CommentDeskProvider } from "~/comments/data";
import { useClient } from "~/session/context";
import { placesOf, PlacesProvider } from "~/session/place";
import { DeskProvider, DeskState } from "./desk";

export function FileRoom({ id, children }: { id: string; children: ReactNode }) {
  const client = useClient();
  const queries = useQueryClient();
  const [places] = useState(() => placesOf(client));
  const [desk] = useState(() => new DeskState());
  const [comments] = useState(() => new CommentDesk(client, queries, id));
  return (
    <PlacesProvider value={places}>
      <DeskProvider value={desk}>
        <CommentDeskProvider value={comments}>{children}</CommentDeskProvider>
      </DeskProvider>
    </PlacesProvider>
  );
}
