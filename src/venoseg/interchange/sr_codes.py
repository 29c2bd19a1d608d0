"""Codes of the quantities that venoseg reports (DICOM PS3.16, CID 3481 to 3486 and others)."""

from __future__ import annotations

from venoseg.anatomy import Code

LUMEN_DIAMETER = Code("397413000", "SCT", "Vessel lumen diameter")
LUMEN_AREA = Code("397415007", "SCT", "Vessel lumen cross-sectional area")
STENT_AREA = Code("408705002", "SCT", "Stent Cross-Sectional Area")
STENT_LENGTH = Code("408703009", "SCT", "Stent Length")
SEGMENT_LENGTH = Code("414599003", "SCT", "Length of Segment")
DIAMETER_STENOSIS = Code("408715008", "SCT", "Lumen Diameter Stenosis")
AREA_STENOSIS = Code("408714007", "SCT", "Lumen Area Stenosis")

MINIMUM = Code("255605001", "SCT", "Minimum")
MAXIMUM = Code("56851009", "SCT", "Maximum")
MEAN = Code("373098007", "SCT", "Mean")

AREA_METHOD = Code("122650", "DCM", "Area Based Method")
DIAMETER_METHOD = Code("122651", "DCM", "Diameter Based Method")

CURVE_FITTED_REFERENCE = Code("122489", "DCM", "Curve Fitted Reference")
INTERPOLATED_REFERENCE = Code("122490", "DCM", "Interpolated Local Reference")
MEAN_LOCAL_REFERENCE = Code("122491", "DCM", "Mean Local Reference")

CALIBRATION_FACTOR = Code("122322", "DCM", "Calibration Factor")
CALIBRATION_METHOD = Code("122422", "DCM", "Calibration Method")
CALIBRATION_OBJECT = Code("122421", "DCM", "Calibration Object")
AT_ISOCENTRE = Code("122486", "DCM", "Geometric Isocenter")
AWAY_FROM_ISOCENTRE = Code("122487", "DCM", "Geometric Non-Isocenter")
BY_OBJECT = Code("122488", "DCM", "Calibration Object Used")
CATHETER = Code("19923001", "SCT", "Catheter")
RULER = Code("102304005", "SCT", "Measuring ruler")
STENT = Code("65818007", "SCT", "Stent")

FINDING = Code("122686", "DCM", "Parent Vessel Finding")
STENOSIS = Code("415582006", "SCT", "stenosis")
OCCLUSION = Code("26036001", "SCT", "occlusion")

PRIVATE_SCHEME = "99VENOSEG"
REFERENCE_AREA = Code("reference-area", PRIVATE_SCHEME, "Lumen area of the reference")
REFERENCE_KIND = Code("reference-kind", PRIVATE_SCHEME, "Kind of reference")
OCCLUDED_LENGTH = Code("occluded-length", PRIVATE_SCHEME, "Length without lumen")
IN_STENT_STENOSIS = Code("in-stent-area", PRIVATE_SCHEME, "In-stent area stenosis")

MILLIMETRE = Code("mm", "UCUM", "mm")
SQUARE_MILLIMETRE = Code("mm2", "UCUM", "square millimeter")
PERCENT = Code("%", "UCUM", "Percent")
PIXEL = Code("{pixels}", "UCUM", "pixels")
MILLIMETRE_PER_PIXEL = Code("mm/{pixel}", "UCUM", "mm per pixel")
