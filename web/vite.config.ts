/** Builds two pages, the web view and the Slack sandbox, into the folder that the server serves. */
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "~": at("./src") } },
  build: {
    outDir: at("../api/static"),
    emptyOutDir: true,
    // The server's content security policy refuses data: fonts, so no asset becomes one.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: { input: { index: at("./index.html"), sandbox: at("./sandbox.html") } },
  },
  server: {
    proxy: {
      "/api": { target: server },
      "/slack": { target: server },
      "/ws": { target: server, ws: true },
    },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "node",
    // Elsewhere style sheets are empty to tests; the colours are read by the one that measures their contrast.
    css: { include: [/tokens\.css\?raw/] },
  },
});
