import { defineConfig } from "vite";

// Relative addresses, because the page is served under /console/ on a laptop and under / on AWS.
export default defineConfig({
  base: "./",
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});
