/** Whether this container's server can do its work: the exit code for a container engine's health check. */
try {
  const answer = await fetch('http://127.0.0.1:8008/ready', { signal: AbortSignal.timeout(3_000) });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
