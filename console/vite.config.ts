import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The output is committed and embedded in the Go program, so it must be the same bytes
// on every machine: no source maps, no inlined files, nothing from the clock.
export default defineConfig({
  plugins: [svelte({ preprocess: vitePreprocess(), configFile: false })],
  build: { target: 'es2022', sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    host: '127.0.0.1',
    proxy: { '/v1': { target: 'http://127.0.0.1:8080', ws: true }, '/healthz': 'http://127.0.0.1:8080' },
  },
});
