/** No such page. */
import { useTitle } from "~/lib/hooks";
import { LinkButton } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

export function NotFoundPage() {
  useTitle("Not found · Cosession");
  return (
    <Shell>
      <Message icon="search" title="There is nothing here">
        <p>The address may be mistyped, or the link may have been cut off.</p>
        <LinkButton href="/" look="primary">
          Your sessions
        </LinkButton>
      </Message>
    </Shell>
  );
}
