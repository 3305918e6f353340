/** The web view's first lines: styles, then the application. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "~/ui/base.css";
import { App } from "~/app";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
