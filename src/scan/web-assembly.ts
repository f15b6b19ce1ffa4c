/** What this folder uses of WebAssembly: the compiler knows its types only with those of a browser. */

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): void
}

export interface WasmGlobal {
  value: number
}

/** Compiled code. */
export type WasmModule = object

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown }
}

/** @throws where there is no WebAssembly, or it lacks something that the code needs */
export function moduleOf(code: Uint8Array): WasmModule {
  return new WebAssembly.Module(code)
}

/** A new instance, with memory of its own: what it exports. */
export function instanceOf(module: WasmModule): unknown {
  return new WebAssembly.Instance(module).exports
}
