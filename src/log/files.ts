/**
 * What the topic log asks of a file system: the port through which tests bring a disk that forgets, tears
 * and fails. Errors are those of the system, with `code` ("ENOENT", "ENOSPC").
 *
 * What is written is durable after `sync` of the file; that a file exists, or is gone, after
 * `syncDirectory` of its folder.
 */
export interface FileSystem {
  /** Opens for reading and writing. An absent file is made with `create`, and is ENOENT without. */
  open(path: string, create: boolean): Promise<OpenFile>;
  /** With its parents. Nothing happens when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a folder, in no order; none when there is no such folder. */
  list(path: string): Promise<string[]>;
  /** Nothing happens when it is gone. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  size(): Promise<number>;
  /** Fewer bytes only at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /** All of the bytes, or it rejects. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}
