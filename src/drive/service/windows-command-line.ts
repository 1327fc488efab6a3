/**
 * One command line for Windows out of arguments, so that CommandLineToArgvW and the C library take it apart into the
 * same arguments again (rules: documentation of CommandLineToArgvW). A program path with spaces that is not quoted
 * would let Windows try `C:\Program.exe` first.
 */

export function windowsCommandLine(args: readonly string[]): string {
  return args.map(quoted).join(' ');
}

/** Always in quotes. Backslashes count only where a quote follows: there each is doubled. */
function quoted(argument: string): string {
  const escaped = argument.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1');
  return `"${escaped}"`;
}
