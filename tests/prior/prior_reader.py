"""Reads a prior as the plug-in does, and shares no code with what writes it."""

import hashlib
import struct


class Words:
    def __init__(self, content):
        self.content, self.place = content, 0

    def word(self):
        while self.content[self.place] in b" \n":
            self.place += 1
        start = self.place
        while self.content[self.place] not in b" \n":
            self.place += 1
        return self.content[start : self.place].decode()

    def expect(self, word):
        assert self.word() == word

    def number(self, name=None):
        if name:
            self.expect(name)
        return int(self.word())

    def numbers(self, letter, count):
        size = struct.calcsize(f"<{count}{letter}")
        found = struct.unpack(f"<{count}{letter}", self.content[self.place : self.place + size])
        self.place += size
        return found


class PriorReader:
    def __init__(self, content):
        words = Words(content)
        assert words.number("metasolve-prior") == 2
        assert words.number("features") == 3
        self.features = [words.word() for _ in range(words.number())]
        self.candidates = [self._candidate(words) for _ in range(words.number("candidates"))]
        T, N, L = (words.number(name) for name in ("trees", "nodes", "leaves"))
        size = words.number("data")
        words.place += 1
        begin = words.place
        self.root, self.feature = words.numbers("i", T), words.numbers("i", N)
        self.threshold = words.numbers("f", N)
        self.left, self.right = words.numbers("i", N), words.numbers("i", N)
        self.value = words.numbers("h", 2 * L * len(self.candidates))
        assert words.place - begin == size
        digest = hashlib.sha256(content[: words.place]).hexdigest()
        assert content[words.place :] == f"sha256 {digest}\n".encode()

    def _candidate(self, words):
        words.expect("candidate")
        name, whom = words.word(), words.word()
        words.expect("grows")
        grows = (float(words.word()), float(words.word()))
        own = []
        for _ in range(words.number("own")):
            words.expect("own")
            own.append((words.word(), words.word(), words.word()))
        options = [
            {words.word(): words.word() for _ in range(words.number(ranks))}
            for ranks in ("serial", "parallel")
        ]
        return name, whom, grows, own, *options

    def trees(self, x):
        """Per tree, candidate and output."""
        x = [struct.unpack("<f", struct.pack("<f", each))[0] for each in x]
        return [self._leaf(root, x) for root in self.root]

    def _leaf(self, place, x):
        while place >= 0:
            below = x[self.feature[place]] <= self.threshold[place]
            place = (self.left if below else self.right)[place]
        K = len(self.candidates)
        first = 2 * K * (-1 - place)
        values = [each / 256 for each in self.value[first : first + 2 * K]]
        return list(zip(values[::2], values[1::2], strict=True))
