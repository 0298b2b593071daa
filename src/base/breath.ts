/**
 * Long work stands aside: what the event loop has at hand for others is done first (I6). A loop over what
 * somebody outside made large awaits it every few milliseconds.
 */
export function breath(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
