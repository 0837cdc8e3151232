# SPDX-License-Identifier: Apache-2.0
"""Decompression of bodies: gzip, deflate and bzip2 by Python, LZ4 frames and zstd by the system's libraries."""

import bz2
import ctypes
import ctypes.util
import gzip
import zlib

CHUNK = 1 << 20


class BadStream(Exception):
    """The data is corrupt, cut off, or of a compression that is not available here."""


class _Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("at", ctypes.c_size_t)]


def decompress(data, name):
    """The plain bytes; `name` is the value of the compression header."""
    known = {"GZIP": gzip.decompress, "DEFLATE": zlib.decompress, "BZIP2": bz2.decompress, "ZSTD": _zstd,
             "LZ4_FRAME": _lz4}
    if name.upper() not in known:
        raise BadStream("Unsupported compression algorithm: " + name)
    try:
        return known[name.upper()](data)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise BadStream("decompress error: %s" % error) from error


def _library(name):
    path = ctypes.util.find_library(name)
    if path is None:
        raise BadStream("simulator: lib%s is not installed" % name)
    return ctypes.CDLL(path)


def _zstd(data):
    lib = _library("zstd")
    lib.ZSTD_createDStream.restype = ctypes.c_void_p
    lib.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    lib.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer)]
    lib.ZSTD_decompressStream.restype = ctypes.c_size_t
    lib.ZSTD_isError.argtypes = [ctypes.c_size_t]
    stream, room, plain = lib.ZSTD_createDStream(), ctypes.create_string_buffer(CHUNK), bytearray()
    source = _Buffer(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data), 0)
    try:
        while True:
            target = _Buffer(ctypes.cast(room, ctypes.c_void_p), CHUNK, 0)
            left = lib.ZSTD_decompressStream(stream, ctypes.byref(target), ctypes.byref(source))
            if lib.ZSTD_isError(left):
                raise BadStream("decompress error: zstd %d" % left)
            plain += room.raw[:target.at]
            if source.at == source.size and target.at < CHUNK:
                break
    finally:
        lib.ZSTD_freeDStream(stream)
    if left:
        raise BadStream("decompress error: the zstd frame is cut off")
    return bytes(plain)


def _lz4(data):
    lib = _library("lz4")
    size = ctypes.c_size_t
    lib.LZ4F_decompress.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(size), ctypes.c_void_p,
                                    ctypes.POINTER(size), ctypes.c_void_p]
    lib.LZ4F_decompress.restype = size
    lib.LZ4F_isError.argtypes = [size]
    lib.LZ4F_freeDecompressionContext.argtypes = [ctypes.c_void_p]
    context, room, plain = ctypes.c_void_p(), ctypes.create_string_buffer(CHUNK), bytearray()
    lib.LZ4F_createDecompressionContext(ctypes.byref(context), 100)
    source, at, left = ctypes.create_string_buffer(data, len(data)), 0, 1
    try:
        while at < len(data) or left:
            written, taken = size(CHUNK), size(len(data) - at)
            left = lib.LZ4F_decompress(context, room, ctypes.byref(written), ctypes.addressof(source) + at,
                                       ctypes.byref(taken), None)
            if lib.LZ4F_isError(left):
                raise BadStream("decompress error: LZ4 frame")
            plain += room.raw[:written.value]
            at += taken.value
            if not written.value and not taken.value:
                raise BadStream("decompress error: the LZ4 frame is cut off")
    finally:
        lib.LZ4F_freeDecompressionContext(context)
    return bytes(plain)
