// Runs every src/**/*.test.ts with Node's own test runner. Node 20 cannot read
// TypeScript, so each test is first bundled by Vite into a temporary folder.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'vite';

const out = mkdtempSync(join(tmpdir(), 'console-test-'));
try {
  const tests = readdirSync('src', { recursive: true }).filter((f) => f.endsWith('.test.ts')).sort().map((f) => join('src', f));
  if (tests.length === 0) throw new Error('there are no tests');
  for (const entry of tests) {
    await build({
      configFile: false,
      logLevel: 'warn',
      build: { ssr: entry, outDir: out, emptyOutDir: false, target: 'node20', rollupOptions: { output: { entryFileNames: basename(entry, '.ts') + '.mjs' } } },
    });
  }
  const files = tests.map((t) => join(out, basename(t, '.ts') + '.mjs'));
  process.exitCode = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
