/** The sandbox's first lines: styles, then the page. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../ui/base.css";
import "./sandbox.css";
import { App } from "./app";

const root = document.getElementById("root");
if (!root) throw new Error("sandbox.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
