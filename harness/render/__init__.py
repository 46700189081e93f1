"""What readers see: one view model, one renderer per format.

A renderer turns a view into text or bytes and touches no file, no server and no
driver, so a report can be made wherever the results file is.
"""
