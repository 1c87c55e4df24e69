-- Prepares a delivery for wrk. The arguments are the size of the body in bytes, and optionally the signature.
function init(args)
    local size = tonumber(args[1])
    wrk.method = "POST"
    wrk.body = '"' .. string.rep("x", size - 2) .. '"'
    wrk.headers["x-hub-signature-256"] = args[2]
end
