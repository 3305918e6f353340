/** Catches what breaks while drawing, says so, and offers the one thing that helps. */
import { Component, type ErrorInfo, type ReactNode } from "react";
import { Button } from "./controls";
import { Message } from "./states";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error("This page broke.", error, info.componentStack);
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Message icon="alert" title="This page broke" tone="bad">
        <p>Nothing is lost: what you sent is on the server or kept here until it is.</p>
        <p className="font-mono text-xs">{error.message}</p>
        <Button look="primary" icon="retry" onClick={() => location.reload()}>
          Reload
        </Button>
      </Message>
    );
  }
}
