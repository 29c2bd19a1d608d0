"""Transfer syntaxes by what it takes to decode them.

Written out here, because a process that only decodes must not wait for pydicom's dictionaries.
"""

from __future__ import annotations

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = {IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG}

RLE = "1.2.840.10008.1.2.5"
# Baseline, extended, spectral selection, progressive, lossless, lossless of the first order.
JPEG = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 57, 70)}
JPEG_LOSSLESS = {f"1.2.840.10008.1.2.4.{number}" for number in (57, 70)}
JPEG_LS = {f"1.2.840.10008.1.2.4.{number}" for number in (80, 81)}
JPEG_2000 = {f"1.2.840.10008.1.2.4.{number}" for number in (90, 91)}
HTJ2K = {f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203)}
COMPRESSED = {RLE} | JPEG | JPEG_LS | JPEG_2000 | HTJ2K
LOSSY = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55, 81, 91, 203)}
