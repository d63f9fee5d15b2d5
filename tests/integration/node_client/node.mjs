// One node of the ledger as a process, and a client of it that knows the .proto files alone.
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(process.env.HAMISHA_BIN, 'hamisha-ledger');
const deadlineMs = 30_000; // Far beyond what any call takes.

const { hamisha } = grpc.loadPackageDefinition(
  protoLoader.loadSync('hamisha/ledger/v1/ledger.proto', {
    includeDirs: [process.env.HAMISHA_PROTOS],
    keepCase: true,
    longs: String, // A JavaScript number holds 53 bits.
    defaults: true,
  }),
);

export const shard = 5;

export class Node {
  #folder = mkdtempSync(join(tmpdir(), 'hamisha-test-'));
  #process;
  #client;

  async start() {
    const data_dir = join(this.#folder, 'node');
    const public_key = execFileSync(program, ['init', '--data', data_dir], { encoding: 'utf8' }).trim();
    const config = join(this.#folder, 'node.json');
    const members = [{ node_id: 'source', public_key }];
    writeFileSync(config, JSON.stringify({ shard, node_id: 'source', data_dir, first_owner: 'source', members }));
    execFileSync(program, ['bootstrap', '--config', config], { stdio: 'pipe' });
    this.#process = spawn(program, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    const address = await this.#listening();
    this.#client = new hamisha.ledger.v1.Ledger(address, grpc.credentials.createInsecure());
  }

  // The kernel chose the port, and the node says it in its first line.
  #listening() {
    let said = '';
    this.#process.stderr.on('data', (text) => (said += text));
    return new Promise((resolve, reject) => {
      createInterface(this.#process.stdout).on('line', (line) => {
        if (line.startsWith('listening on ')) resolve(line.slice('listening on '.length));
      });
      this.#process.once('close', () => reject(new Error(`the node ended before it listened:\n${said}`)));
    });
  }

  // Its exit code.
  async stop() {
    this.#client?.close();
    const code = await new Promise((resolve) => {
      if (this.#process === undefined || this.#process.exitCode !== null) return resolve(this.#process?.exitCode);
      this.#process.once('close', resolve);
      this.#process.kill('SIGTERM');
    });
    rmSync(this.#folder, { recursive: true });
    return code;
  }

  // A failure is thrown as grpc-js gives it, with `code` and `details`.
  call(method, request) {
    return new Promise((resolve, reject) => {
      this.#client[method](request, { deadline: Date.now() + deadlineMs }, (error, response) =>
        error ? reject(error) : resolve(response),
      );
    });
  }
}
