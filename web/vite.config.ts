import { defineConfig } from 'vitest/config';

// The bundle obeys `default-src 'none'; script-src 'self'; style-src 'self'`: nothing is inlined, and no polyfill is injected.
export default defineConfig({
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 800,
    rollupOptions: {
      onwarn: (warning, warn) => {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning); // 'use client' of libraries says nothing here.
      },
    },
  },
  server: {
    proxy: {
      '/api': process.env['GRAPEVINE_CONSOLE'] ?? 'http://127.0.0.1:19090',
    },
  },
  test: { include: ['test/**/*.test.ts'] },
});
