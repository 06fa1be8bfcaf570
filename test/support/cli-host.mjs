/** Runs the entry file of the command line once for each message, as if the process had been started with its words. */
import { pathToFileURL } from 'node:url';

const entry = process.argv[2];
let runs = 0;

process.on('message', async ({ args, cwd }) => {
  const written = { stdout: '', stderr: '' };
  const restore = ['stdout', 'stderr'].map((name) => capture(name, written));
  process.chdir(cwd);
  process.argv = [process.execPath, entry, ...args];
  process.exitCode = undefined;
  try {
    // Another query is another module to Node: the entry runs again, what it imports stays loaded.
    await import(`${pathToFileURL(entry).href}?run=${runs++}`);
  } catch (error) {
    written.stderr += String(error?.stack ?? error);
    process.exitCode = 1;
  }
  process.stdout.removeAllListeners('error');
  for (const back of restore) back();
  process.send({ code: process.exitCode ?? 0, ...written });
});
process.on('disconnect', () => process.exit(0));

function capture(name, written) {
  const stream = process[name];
  const write = stream.write;
  stream.write = (chunk, encoding, done) => {
    written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    (typeof encoding === 'function' ? encoding : done)?.();
    return true;
  };
  return () => {
    stream.write = write;
  };
}
