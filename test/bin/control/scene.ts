/** A control socket in a folder of its own, over a fake run. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, connectTo } from "../../../bin/control/client.ts";
import type { Answer, Request } from "../../../bin/control/protocol.ts";
import { type ControlSocket, openControlSocket } from "../../../bin/control/server.ts";
import { socketPath } from "../../../bin/control/socket-place.ts";
import { runIdentity } from "../../../core/run/identity.ts";
import { createProgress, type Progress } from "../../../core/progress/progress.ts";
import { describeRun } from "../../../core/progress/run-status.ts";
import { testConfig } from "../../fakes/context.ts";
import { type FakeControl, fakeControl } from "../../fakes/run-control.ts";

/** See the top of the file. */
export interface Scene extends AsyncDisposable {
  id: string;
  folder: string;
  path: string;
  control: FakeControl;
  progress: Progress;
  warnings: string[];
  server: ControlSocket;
  /** One more process's in the same folder. */
  another(): Promise<ControlSocket>;
  connect(): Promise<Socket>;
  /** Sends a request and gives all answers. */
  answers(request: Request, giveUp?: AbortSignal): Promise<Answer[]>;
  /** Sends bytes, and gives what comes until the connection is closed. */
  raw(...pieces: (string | Uint8Array)[]): Promise<string>;
}

/** Opens one; the folder is removed with it. */
export async function scene(
  id = "shop",
  folder: string = mkdtempSync(join(tmpdir(), "nimo-control-")),
  patience?: number,
): Promise<Scene> {
  const control = fakeControl();
  const progress = createProgress();
  const warnings: string[] = [];
  const config = testConfig({ id, "checkpoint.db": "states", "qps.full": "700" });
  const open = (): Promise<ControlSocket> =>
    openControlSocket({
      config,
      control,
      folder,
      ...(patience !== undefined && { patience }),
      status: () => describeRun(runIdentity(config), progress, Date.now()),
      redact: (text) => text.replaceAll("hunter2hunter2", "***"),
      log: { warn: (message) => void warnings.push(message), debug: () => {} },
    });
  const server = await open();
  const path = socketPath(id, folder);
  return {
    id,
    folder,
    path,
    control,
    progress,
    warnings,
    server,
    another: open,
    connect: () => connectTo(path),
    answers: async (request, giveUp) => Array.fromAsync(ask(await connectTo(path), request, { giveUp })),
    async raw(...pieces) {
      const socket = await connectTo(path);
      let text = "";
      socket.on("data", (piece: Buffer) => (text += piece.toString()));
      socket.on("error", () => {});
      for (const piece of pieces) socket.write(piece);
      await new Promise((closed) => void socket.on("close", closed));
      return text;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
